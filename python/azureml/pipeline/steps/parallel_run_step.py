"""`ParallelRunStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class ParallelRunStep(Later):
    """A step that works through data in parallel; not there yet."""

    sentence = (
        "ParallelRunStep is not there yet; loop over the data in a PythonScriptStep meanwhile"
    )
