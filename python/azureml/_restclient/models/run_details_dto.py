"""The module v1 has for `RunDetailsDto`."""

from azureml._restclient.models import RunDetailsDto as RunDetailsDto
