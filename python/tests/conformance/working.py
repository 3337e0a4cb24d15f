"""The classes that work, and so must have the signatures they had.

A class joins the list of its module when a program can use it. What is not listed may import and
say that it is not there yet.
"""

from __future__ import annotations

from typing import Dict, List

_BY_MODULE: Dict[str, List[str]] = {
    "azureml.core.authentication": [
        "AbstractAuthentication",
        "ArmTokenAuthentication",
        "AzureCliAuthentication",
        "AzureMLTokenAuthentication",
        "InteractiveLoginAuthentication",
        "MsiAuthentication",
        "ServicePrincipalAuthentication",
        "TokenAuthentication",
    ],
    "azureml.core.experiment": ["Experiment", "ViewType"],
    "azureml.core.model": ["Model"],
    "azureml.core.run": ["Run"],
    "azureml.core.script_run": ["ScriptRun"],
    "azureml.core.workspace": ["Workspace"],
    "azureml.pipeline.core.builder": ["PipelineData", "PipelineStep", "StepSequence"],
    "azureml.pipeline.core.graph": [
        "DataSource",
        "DataSourceDef",
        "DataSourceNode",
        "Edge",
        "Graph",
        "InputPort",
        "InputPortBinding",
        "InputPortDef",
        "Module",
        "ModuleDef",
        "ModuleNode",
        "Node",
        "OutputPort",
        "OutputPortBinding",
        "OutputPortDef",
        "Param",
        "ParamDef",
        "PipelineParameter",
        "PortDataReference",
        "TrainingOutput",
    ],
    "azureml.pipeline.core.pipeline": ["Pipeline"],
    "azureml.pipeline.core.pipeline_output_dataset": [
        "DatasetRegistration",
        "PipelineOutputAbstractDataset",
        "PipelineOutputFileDataset",
    ],
    "azureml.pipeline.core.run": ["PipelineRun", "StepRun", "StepRunOutput"],
    "azureml.pipeline.core._python_script_step_base": ["_PythonScriptStepBase"],
    "azureml.pipeline.steps.command_step": ["CommandStep"],
    "azureml.pipeline.steps.python_script_step": ["PythonScriptStep"],
    "azureml.widgets.run_details": ["RunDetails"],
}

WORKING = sorted(
    "{}.{}".format(module, name) for module, names in _BY_MODULE.items() for name in names
)
