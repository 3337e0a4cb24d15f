"""Profiles of models; the name is there, the work is not."""

from __future__ import annotations

from azureml._unsupported import Unsupported

__all__ = ["ModelProfile"]


class ModelProfile(Unsupported):
    """What a model needs when it is served."""

    sentence = "Stepwell does not serve models, so there is nothing to profile"
