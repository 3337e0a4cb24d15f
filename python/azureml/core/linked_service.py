"""Services linked to a workspace, such as Synapse. There are none yet; the names are here."""

from __future__ import annotations

from azureml._unsupported import Unsupported


class LinkedService(Unsupported):
    """A service linked to a workspace."""

    sentence = "linked services are not there yet"


class LinkedServiceConfiguration:
    """What a service is linked with."""


class SynapseWorkspaceLinkedServiceConfiguration(LinkedServiceConfiguration):
    """The Synapse workspace to link."""

    def __init__(self, subscription_id: str, resource_group: str, name: str) -> None:
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.name = name
