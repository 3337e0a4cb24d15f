"""Metrics as logs of TensorBoard; the name is there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "export_to_tensorboard is not there; write the values of run.get_metrics with a SummaryWriter"
)

_NAMES = ("export_to_tensorboard",)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
