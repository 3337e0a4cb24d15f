"""What programs ask of AutoML without a search."""

from __future__ import annotations

from typing import List

from azureml.train.automl import _settings


def get_primary_metrics(task: str) -> List[str]:
    """The metrics that models of a task can be compared by."""
    return list(_settings.metrics_of(task))
