"""The module v1 has for `CreatedFromDto`."""

from azureml._restclient.models import CreatedFromDto as CreatedFromDto
