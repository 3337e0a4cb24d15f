"""TensorBoard over runs; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "Tensorboard is not there; download the logs with run.download_files and run `tensorboard"
    " --logdir` on them"
)

_NAMES = ("Tensorboard",)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
