"""Runs of notebooks: by themselves, or as steps of a pipeline."""

from azureml._lazy import Getattr, exports

__all__ = [
    "AzureMLNotebookHandler",
    "NotebookExecutionHandler",
    "NotebookRunConfig",
    "NotebookRunnerStep",
    "PapermillExecutionHandler",
]

__getattr__: Getattr = exports(
    globals(),
    {
        "AzureMLNotebookHandler": "azureml.contrib.notebook._handlers",
        "NotebookExecutionHandler": "azureml.contrib.notebook._handlers",
        "NotebookRunConfig": "azureml.contrib.notebook._run_config",
        "NotebookRunnerStep": "azureml.contrib.notebook._runner_step",
        "PapermillExecutionHandler": "azureml.contrib.notebook._handlers",
    },
)
