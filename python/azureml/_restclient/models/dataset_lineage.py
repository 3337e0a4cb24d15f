"""The module v1 has for `DatasetLineage`."""

from azureml._restclient.models import DatasetLineage as DatasetLineage
