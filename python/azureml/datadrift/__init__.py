"""Drift of data; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "DataDriftDetector is not there; compare the datasets in a PythonScriptStep, started by a"
    " Schedule, and log the result"
)

_NAMES = (
    "AlertConfiguration",
    "DataDriftDetector",
    "Metric",
    "MetricType",
    "ModelServingDataset",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
