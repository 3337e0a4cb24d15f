"""Showing a run where one works: in a notebook as HTML, on a terminal as a table."""

from azureml._lazy import Getattr as _Getattr
from azureml._lazy import exports as _exports
from azureml.widgets.parallel_run_step_details import ParallelRunStepDetails
from azureml.widgets.run_details import RunDetails

__getattr__: _Getattr = _exports(globals(), {})

__all__ = ["RunDetails", "ParallelRunStepDetails"]
