"""`MimicExplainer`; the name is there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "explainers are not part of Stepwell; use interpret-community or shap in the script and "
    "keep the result with run.upload_file"
)

_NAMES = ("MimicExplainer",)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
