"""`AzureBatchStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class AzureBatchStep(Later):
    """A step that runs on Azure Batch; not there yet."""

    sentence = "AzureBatchStep is not there yet; start the executable with a CommandStep"
