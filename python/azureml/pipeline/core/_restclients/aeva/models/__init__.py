"""What v1's pipeline service answered with: its refusals, which programs catch."""

from azureml.pipeline.core._restclients.aeva.models.error_response import (
    ErrorResponse,
    ErrorResponseException,
)

__all__ = ["ErrorResponse", "ErrorResponseException"]
