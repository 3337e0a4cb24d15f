"""The module v1 has for `OutputDatasetLineage`."""

from azureml._restclient.models import OutputDatasetLineage as OutputDatasetLineage
