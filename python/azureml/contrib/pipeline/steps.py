"""Parallel steps under their older names; they take what the released ones take."""

from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep

__all__ = ["ParallelRunConfig", "ParallelRunStep"]
