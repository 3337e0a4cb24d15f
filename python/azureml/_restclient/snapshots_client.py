"""The limits of source directories, which programs raise by setting them; there are none here."""

from azureml._restclient.constants import SNAPSHOT_MAX_FILES as SNAPSHOT_MAX_FILES
from azureml._restclient.constants import SNAPSHOT_MAX_SIZE_BYTES as SNAPSHOT_MAX_SIZE_BYTES
