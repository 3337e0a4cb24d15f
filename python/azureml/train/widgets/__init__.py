"""`RunDetails` under its older name."""

from azureml.widgets import RunDetails

__all__ = ["RunDetails"]
