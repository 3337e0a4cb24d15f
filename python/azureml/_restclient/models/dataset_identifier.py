"""The module v1 has for `DatasetIdentifier`."""

from azureml._restclient.models import DatasetIdentifier as DatasetIdentifier
