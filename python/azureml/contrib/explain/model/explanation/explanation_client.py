"""`ExplanationClient` under its oldest name."""

from azureml.interpret import ExplanationClient

__all__ = ["ExplanationClient"]
