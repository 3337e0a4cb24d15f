"""`MimicWrapper`; the name is there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = "MimicWrapper is not there; use MimicExplainer of interpret-community in the script"

_NAMES = ("MimicWrapper",)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
