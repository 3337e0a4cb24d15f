"""`azureml.interpret`: explanations of models; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "explanations of models are not kept by Stepwell; explain with interpret-community or "
    "shap in the script and keep the result with run.upload_file"
)

_NAMES = (
    "ExplanationClient",
    "ExplanationDashboard",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
