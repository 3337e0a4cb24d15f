"""The module v1 has for `QueryParamsDto`."""

from azureml._restclient.models import QueryParamsDto as QueryParamsDto
