"""The module v1 has for `CreateRunDto`."""

from azureml._restclient.models import CreateRunDto as CreateRunDto
