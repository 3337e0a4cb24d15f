"""`AutoMLStep` and `AutoMLStepRun`: the names are there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class AutoMLStep(Later):
    """A step that searches for a model; not there yet."""

    sentence = "AutoMLStep is not there yet; train the candidates in PythonScriptSteps meanwhile"


class AutoMLStepRun(Later):
    """The run of an AutoMLStep; not there yet."""

    sentence = "AutoMLStepRun is not there yet, as AutoMLStep is not"
