"""Where a container image comes from. Recorded; steps on this machine run without containers."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Optional, Tuple

from azureml.core._element import Element


class RegistryIdentity(Element):
    """The identity that may read a registry."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("resource_id", "client_id")

    def __init__(self) -> None:
        self.resource_id: Optional[str] = None
        self.client_id: Optional[str] = None


class ContainerRegistry(Element):
    """A registry of container images and how to sign in to it."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("address", "username", "password", "registry_identity")
    SHAPES: ClassVar[Dict[str, Any]] = {"registry_identity": RegistryIdentity}

    def __init__(self) -> None:
        self.address: Optional[str] = None
        self.username: Optional[str] = None
        self.password: Optional[str] = None
        self.registry_identity: Optional[RegistryIdentity] = None
