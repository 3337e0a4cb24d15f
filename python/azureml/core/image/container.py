"""Container images, where v1 had them."""

from azureml._unsupported import Getattr, unsupported_names
from azureml.core.image import ContainerImage

__all__ = ["ContainerImage"]

__getattr__: Getattr = unsupported_names(
    globals(), dict.fromkeys(("ContainerImageConfig",), ContainerImage.sentence)
)
