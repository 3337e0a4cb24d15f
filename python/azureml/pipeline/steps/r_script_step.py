"""`RScriptStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class RScriptStep(Later):
    """A step that runs an R script; not there yet."""

    sentence = "RScriptStep is not there yet; start Rscript with a CommandStep"
