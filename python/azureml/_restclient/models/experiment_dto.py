"""The module v1 has for `ExperimentDto`."""

from azureml._restclient.models import ExperimentDto as ExperimentDto
