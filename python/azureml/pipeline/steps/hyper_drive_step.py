"""`HyperDriveStep` and `HyperDriveStepRun`: the names are there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class HyperDriveStep(Later):
    """A step that searches hyperparameters; not there yet."""

    sentence = "HyperDriveStep is not there yet; run the trials as PythonScriptSteps meanwhile"


class HyperDriveStepRun(Later):
    """The run of a HyperDriveStep; not there yet."""

    sentence = "HyperDriveStepRun is not there yet, as HyperDriveStep is not"
