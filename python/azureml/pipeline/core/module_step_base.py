"""The base of steps that are made of published modules; not there yet."""

from __future__ import annotations

from azureml._later import Later


class ModuleStepBase(Later):
    """A step that is made of a published module; not there yet."""

    sentence = "ModuleStep is not there yet; write the step with PythonScriptStep"
