"""Models as Azure Functions, which are not supported: each name says so when it is used."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "models are not packaged for Azure Functions; load a registered model with Model.download in "
    "the function's own program"
)

BLOB_TRIGGER = "blob"
HTTP_TRIGGER = "http"
SERVICE_BUS_QUEUE_TRIGGER = "queue"

_NAMES = ("package", "package_blob", "package_http", "package_service_bus_queue")

__all__ = ["BLOB_TRIGGER", "HTTP_TRIGGER", "SERVICE_BUS_QUEUE_TRIGGER", *_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
