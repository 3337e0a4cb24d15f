"""Monitoring of deployed models; the name is there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "data of web services are not collected, as there are no web services; log from the "
    "script with run.log"
)

_NAMES = ("Collector",)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
