"""Searches for a model over tabular data, done by FLAML; `docs/automl.md` says what maps."""

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


def __getattr__(name: str) -> object:
    # Steps are loaded when they are asked for: they need the pipeline packages.
    if name in ("AutoMLStep", "AutoMLStepRun"):
        from azureml.pipeline.steps import automl_step

        return getattr(automl_step, name)
    raise AttributeError(f"module 'azureml.train.automl' has no attribute {name!r}")
