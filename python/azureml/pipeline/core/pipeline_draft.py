"""Drafts of pipelines; not there yet."""

from __future__ import annotations

from azureml._later import Later


class PipelineDraft(Later):
    """A pipeline that is kept at the server to be changed; not there yet."""

    sentence = "pipeline drafts are not there yet; change the Python program and submit it"
