"""The module v1 has for `RunTypeV2`."""

from azureml._restclient.models import RunTypeV2 as RunTypeV2
