"""What `FileDataset.mount` gives."""

from azureml.data._transfer import MountContext

__all__ = ["MountContext"]
