"""`SynapseSparkStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class SynapseSparkStep(Later):
    """A step that runs on Synapse Spark; not there yet."""

    sentence = "SynapseSparkStep is not there yet; run the code in a PythonScriptStep"
