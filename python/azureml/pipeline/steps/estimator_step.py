"""`EstimatorStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class EstimatorStep(Later):
    """A step that runs an estimator; not there yet."""

    sentence = "EstimatorStep is not there yet; run the entry script with a PythonScriptStep"
