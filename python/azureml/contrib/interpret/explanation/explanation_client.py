"""`ExplanationClient` under its older name."""

from azureml.interpret import ExplanationClient

__all__ = ["ExplanationClient"]
