"""Searches for a model over tabular data, done by FLAML; `docs/automl.md` says what maps."""

from azureml._lazy import Getattr as _Getattr
from azureml._lazy import exports as _exports
from azureml.automl.core.featurization import FeaturizationConfig
from azureml.automl.core.forecasting_parameters import ForecastingParameters
from azureml.train.automl import constants
from azureml.train.automl.automlconfig import AutoMLConfig, AutoMLImageConfig
from azureml.train.automl.run import AutoMLRun

__all__ = [
    "AutoMLConfig",
    "AutoMLImageConfig",
    "AutoMLRun",
    "AutoMLStep",
    "AutoMLStepRun",
    "FeaturizationConfig",
    "ForecastingParameters",
    "constants",
]

# Steps are loaded when they are asked for: they need the pipeline packages.
__getattr__: _Getattr = _exports(
    globals(),
    dict.fromkeys(("AutoMLStep", "AutoMLStepRun"), "azureml.pipeline.steps.automl_step"),
)
