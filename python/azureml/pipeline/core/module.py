"""Modules: parts of pipelines that are published on their own; not there yet."""

from __future__ import annotations

from azureml._later import Later

_SENTENCE = "published modules are not there yet; write the step with PythonScriptStep"


class Module(Later):
    """A published module; not there yet."""

    sentence = _SENTENCE


class ModuleVersion(Later):
    """One version of a published module; not there yet."""

    sentence = _SENTENCE


class ModuleVersionDescriptor(Later):
    """The number and the id of a version; not there yet."""

    sentence = _SENTENCE
