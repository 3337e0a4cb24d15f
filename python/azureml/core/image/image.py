"""The base of all images, where v1 had it."""

from azureml.core.image import Image

__all__ = ["Image"]
