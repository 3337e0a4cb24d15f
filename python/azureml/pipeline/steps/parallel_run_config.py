"""`ParallelRunConfig`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class ParallelRunConfig(Later):
    """How a ParallelRunStep works; not there yet."""

    sentence = (
        "ParallelRunStep and its configuration are not there yet; loop over the data in a "
        "PythonScriptStep meanwhile"
    )
