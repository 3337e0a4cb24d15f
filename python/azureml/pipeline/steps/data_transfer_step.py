"""`DataTransferStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class DataTransferStep(Later):
    """A step that copies data; not there yet."""

    sentence = "DataTransferStep is not there yet; copy the data in a PythonScriptStep"
