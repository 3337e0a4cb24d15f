"""Web services that serve models. They are not there yet; every name says so when it is used."""

from __future__ import annotations

from azureml._unsupported import Unsupported

__all__ = [
    "AciWebservice",
    "AksEndpoint",
    "AksWebservice",
    "LocalWebservice",
    "UnknownWebservice",
    "Webservice",
]


class Webservice(Unsupported):
    """A service that serves models."""

    sentence = (
        "models are not served yet; load a registered model with Model.download and call it in "
        "the program"
    )


class AciWebservice(Webservice):
    """A service in a container instance."""


class AksWebservice(Webservice):
    """A service in a Kubernetes cluster."""


class AksEndpoint(AksWebservice):
    """Several versions of a service behind one address."""


class LocalWebservice(Webservice):
    """A service on this machine."""


class UnknownWebservice(Webservice):
    """A service of a kind that is not known."""
