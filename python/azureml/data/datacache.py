"""Caches of datasets near the compute. They are not there; every use of one says so."""

from __future__ import annotations

from azureml._unsupported import Unsupported

_SENTENCE = "there are no caches of datasets; data is read where it is"


class DatacacheStore(Unsupported):
    """Where copies of datasets are kept."""

    sentence = _SENTENCE


class DatacacheHydrationTracker(Unsupported):
    """How far the copying of a dataset is."""

    sentence = _SENTENCE
