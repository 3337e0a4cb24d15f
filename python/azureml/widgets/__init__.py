"""Showing a run where one works: in a notebook as HTML, on a terminal as a table."""

from azureml.widgets.parallel_run_step_details import ParallelRunStepDetails
from azureml.widgets.run_details import RunDetails

__all__ = ["RunDetails", "ParallelRunStepDetails"]
