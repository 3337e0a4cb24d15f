"""Runs of notebooks; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "notebooks do not run as steps; run the notebook with papermill or nbconvert in a CommandStep"
)

_NAMES = (
    "AzureMLNotebookHandler",
    "NotebookRunConfig",
    "NotebookRunnerStep",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
