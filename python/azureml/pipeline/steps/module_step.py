"""`ModuleStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class ModuleStep(Later):
    """A step made of a published module; not there yet."""

    sentence = "ModuleStep is not there yet; write the step with PythonScriptStep"
