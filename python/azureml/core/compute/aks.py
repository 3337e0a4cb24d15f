"""Kubernetes clusters of Azure, where models were served. Serving is not there yet, so none is."""

from __future__ import annotations

from typing import Any, NoReturn

from azureml._not_yet import not_yet
from azureml._unsupported import Unsupported
from azureml.core.compute.compute import ComputeTarget

_SENTENCE = (
    "AksCompute is not there yet: models are not served; load a registered model with "
    "Model.download and call it in the program"
)


class AksCompute(ComputeTarget):
    """A cluster that serves models."""

    _compute_type = "AKS"

    @staticmethod
    def attach(workspace: Any, name: str, resource_id: str) -> NoReturn:
        """Refuse: models are not served yet."""
        not_yet(_SENTENCE)

    @staticmethod
    def provisioning_configuration(*args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: models are not served yet."""
        not_yet(_SENTENCE)

    @staticmethod
    def attach_configuration(*args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: models are not served yet."""
        not_yet(_SENTENCE)

    def update(self, update_configuration: Any) -> NoReturn:
        """Refuse: models are not served yet."""
        not_yet(_SENTENCE)


class AksProvisioningConfiguration(Unsupported):
    """What a cluster is created with."""

    sentence = _SENTENCE


class AksAttachConfiguration(Unsupported):
    """What a cluster is registered with."""

    sentence = _SENTENCE


class AksUpdateConfiguration(Unsupported):
    """What a cluster is changed with."""

    sentence = _SENTENCE


class SystemService(Unsupported):
    """A service of the cluster itself."""

    sentence = _SENTENCE


class SslConfiguration(Unsupported):
    """Certificates of the cluster."""

    sentence = _SENTENCE
