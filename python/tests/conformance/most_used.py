"""The fifty classes that public programs of the SDK use most, and what a program imports of it.

Counted were the calls of constructors, static methods and methods in some 600 programs and
notebooks. Names that refuse whatever they are asked for, such as those of serving, are left out.
"""

from __future__ import annotations

from typing import List

MOST_USED: List[str] = [
    "azureml.core.Run",
    "azureml.core.Experiment",
    "azureml.core.Workspace",
    "azureml.core.ComputeTarget",
    "azureml.widgets.RunDetails",
    "azureml.core.Model",
    "azureml.core.Dataset",
    "azureml.core.Datastore",
    "azureml.core.Environment",
    "azureml.data.TabularDataset",
    "azureml.data.dataset_factory.TabularDatasetFactory",
    "azureml.core.compute.AmlCompute",
    "azureml.core.conda_dependencies.CondaDependencies",
    "azureml.pipeline.core.Pipeline",
    "azureml.core.ScriptRunConfig",
    "azureml.pipeline.steps.PythonScriptStep",
    "azureml.data.OutputFileDatasetConfig",
    "azureml.pipeline.core.PipelineData",
    "azureml.data.FileDataset",
    "azureml.core.RunConfiguration",
    "azureml.train.automl.AutoMLConfig",
    "azureml.data.dataset_factory.FileDatasetFactory",
    "azureml.core.authentication.InteractiveLoginAuthentication",
    "azureml.pipeline.core.PipelineParameter",
    "azureml.pipeline.core.Schedule",
    "azureml.data.dataset_consumption_config.DatasetConsumptionConfig",
    "azureml.train.hyperdrive.HyperDriveRun",
    "azureml.train.estimator.Estimator",
    "azureml.pipeline.steps.ParallelRunConfig",
    "azureml.pipeline.steps.ParallelRunStep",
    "azureml.pipeline.core.PipelineRun",
    "azureml.pipeline.core.PortDataReference",
    "azureml.train.hyperdrive.HyperDriveConfig",
    "azureml.automl.core.forecasting_parameters.ForecastingParameters",
    "azureml.pipeline.core.PublishedPipeline",
    "azureml.data.data_reference.DataReference",
    "azureml.pipeline.core.TrainingOutput",
    "azureml.train.hyperdrive.RandomParameterSampling",
    "azureml.pipeline.core.ScheduleRecurrence",
    "azureml.data.datapath.DataPath",
    "azureml.pipeline.core.PipelineEndpoint",
    "azureml.train.hyperdrive.BanditPolicy",
    "azureml.train.hyperdrive.GridParameterSampling",
    "azureml.train.sklearn.SKLearn",
    "azureml.train.automl.run.AutoMLRun",
    "azureml.data.dataset_factory.DataType",
    "azureml.pipeline.steps.CommandStep",
    "azureml.core.authentication.AzureCliAuthentication",
    "azureml.pipeline.steps.AutoMLStep",
    "azureml.pipeline.steps.DatabricksStep",
]
