"""Metrics of AutoML; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "azureml.metrics is not there; compute the metrics with scikit-learn and log them with run.log"
)

_NAMES = (
    "compute_metrics",
    "constants",
    "list_metrics",
    "list_prompts",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
