"""The kinds of step a pipeline can have.

Which of them run is a table of the documentation; constructing one that does not says so in a
sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from azureml._lazy import Getattr, exports

if TYPE_CHECKING:
    from azureml.pipeline.steps._hdinsight_step import _HDInsightStep
    from azureml.pipeline.steps.adla_step import AdlaStep
    from azureml.pipeline.steps.automl_step import AutoMLStep, AutoMLStepRun
    from azureml.pipeline.steps.azurebatch_step import AzureBatchStep
    from azureml.pipeline.steps.command_step import CommandStep
    from azureml.pipeline.steps.data_transfer_step import DataTransferStep
    from azureml.pipeline.steps.databricks_step import DatabricksStep
    from azureml.pipeline.steps.estimator_step import EstimatorStep
    from azureml.pipeline.steps.hyper_drive_step import HyperDriveStep, HyperDriveStepRun
    from azureml.pipeline.steps.kusto_step import KustoStep
    from azureml.pipeline.steps.module_step import ModuleStep
    from azureml.pipeline.steps.mpi_step import MpiStep
    from azureml.pipeline.steps.parallel_run_config import ParallelRunConfig
    from azureml.pipeline.steps.parallel_run_step import ParallelRunStep
    from azureml.pipeline.steps.python_script_step import PythonScriptStep
    from azureml.pipeline.steps.r_script_step import RScriptStep
    from azureml.pipeline.steps.synapse_spark_step import SynapseSparkStep

__all__ = [
    "AdlaStep",
    "AutoMLStep",
    "AutoMLStepRun",
    "AzureBatchStep",
    "DatabricksStep",
    "DataTransferStep",
    "EstimatorStep",
    "_HDInsightStep",
    "HyperDriveStep",
    "HyperDriveStepRun",
    "ModuleStep",
    "MpiStep",
    "ParallelRunConfig",
    "ParallelRunStep",
    "PythonScriptStep",
    "RScriptStep",
    "SynapseSparkStep",
    "CommandStep",
    "KustoStep",
]

__getattr__: Getattr = exports(
    globals(),
    {
        "AdlaStep": "azureml.pipeline.steps.adla_step",
        "AutoMLStep": "azureml.pipeline.steps.automl_step",
        "AutoMLStepRun": "azureml.pipeline.steps.automl_step",
        "AzureBatchStep": "azureml.pipeline.steps.azurebatch_step",
        "CommandStep": "azureml.pipeline.steps.command_step",
        "DatabricksStep": "azureml.pipeline.steps.databricks_step",
        "DataTransferStep": "azureml.pipeline.steps.data_transfer_step",
        "EstimatorStep": "azureml.pipeline.steps.estimator_step",
        "HyperDriveStep": "azureml.pipeline.steps.hyper_drive_step",
        "HyperDriveStepRun": "azureml.pipeline.steps.hyper_drive_step",
        "KustoStep": "azureml.pipeline.steps.kusto_step",
        "ModuleStep": "azureml.pipeline.steps.module_step",
        "MpiStep": "azureml.pipeline.steps.mpi_step",
        "ParallelRunConfig": "azureml.pipeline.steps.parallel_run_config",
        "ParallelRunStep": "azureml.pipeline.steps.parallel_run_step",
        "PythonScriptStep": "azureml.pipeline.steps.python_script_step",
        "RScriptStep": "azureml.pipeline.steps.r_script_step",
        "SynapseSparkStep": "azureml.pipeline.steps.synapse_spark_step",
        "_HDInsightStep": "azureml.pipeline.steps._hdinsight_step",
    },
)


def __dir__() -> List[str]:
    return sorted(__all__)
