"""`AdlaStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class AdlaStep(Later):
    """A step that runs U-SQL; not there yet."""

    sentence = (
        "AdlaStep is not there yet; do the work of the U-SQL script in a PythonScriptStep meanwhile"
    )
