"""File systems of datastores; the name is there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "AzureMachineLearningFileSystem is not there; read the files through "
    "Dataset.File.from_files(...).mount() or download()"
)

_NAMES = ("AzureMachineLearningFileSystem",)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
