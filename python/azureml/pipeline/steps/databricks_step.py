"""`DatabricksStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class DatabricksStep(Later):
    """A step that runs on Databricks; not there yet."""

    sentence = "DatabricksStep is not there yet; run the code in a PythonScriptStep"
