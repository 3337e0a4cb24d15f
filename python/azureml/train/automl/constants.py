"""Constants of AutoML, under the name that programs import."""

from azureml.automl.core.shared.constants import (
    MODEL_PATH,
    PROPERTY_KEY_OF_MODEL_PATH,
    Metric,
    Tasks,
    TimeSeries,
)

__all__ = ["MODEL_PATH", "PROPERTY_KEY_OF_MODEL_PATH", "Metric", "Tasks", "TimeSeries"]
