"""Pipelines of the Azure ML SDK v1: `azureml.pipeline.core` and `azureml.pipeline.steps`."""
