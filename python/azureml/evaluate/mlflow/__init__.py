"""Evaluation of MLflow models; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "azureml.evaluate is not there; use mlflow.evaluate, or compute the metrics with scikit-learn"
)

_NAMES = (
    "aml",
    "evaluate",
    "hftransformers",
    "load_model",
    "log_model",
    "save_model",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
