"""Images that serve models. Deprecated in v1 and not there; every name says so when it is used."""

from __future__ import annotations

from azureml._unsupported import Unsupported

__all__ = ["ContainerImage", "Image", "UnknownImage"]


class Image(Unsupported):
    """An image that serves models."""

    sentence = "images that serve models are not there; v1 itself replaced them by environments"


class ContainerImage(Image):
    """A container image."""


class UnknownImage(Image):
    """An image of a kind that is not known."""
