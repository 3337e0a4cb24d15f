"""Measuring predictions by the metrics that AutoML compares models by."""

from azureml.automl.runtime.shared.score import constants, scoring

__all__ = ["constants", "scoring"]
