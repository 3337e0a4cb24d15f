"""The module v1 has for `RunDto`."""

from azureml._restclient.models import RunDto as RunDto
