"""Explanations of AutoML's models; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "explanations of AutoML's models are not there; explain the model that get_output gives with "
    "interpret-community or shap, and keep the result with run.upload_file"
)

_NAMES = (
    "AutoMLExplainerSetupClass",
    "MimicExplainer",
    "automl_check_model_if_explainable",
    "automl_setup_model_explanations",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
