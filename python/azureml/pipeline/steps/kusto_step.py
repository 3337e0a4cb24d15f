"""`KustoStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class KustoStep(Later):
    """A step that runs Kusto queries; not there yet."""

    sentence = "KustoStep is not there yet; send the query from a PythonScriptStep"
