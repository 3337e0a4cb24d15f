"""Endpoints that run one of several published pipelines; not there yet."""

from __future__ import annotations

from azureml._later import Later

_SENTENCE = "pipeline endpoints are not there yet; submit the Pipeline from its Python program"


class PipelineEndpoint(Later):
    """A name for the versions of a published pipeline; not there yet."""

    sentence = _SENTENCE


class PipelineVersion(Later):
    """One version behind an endpoint; not there yet."""

    sentence = _SENTENCE


class PipelineIdVersion(Later):
    """The id of one version behind an endpoint; not there yet."""

    sentence = _SENTENCE
