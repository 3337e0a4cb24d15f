"""Private endpoints of Azure. A server of one's own has none; the description is all there is."""

from __future__ import annotations

from typing import Any, Dict, Optional

from azureml._not_yet import not_yet


class PrivateEndPointConfig:
    """What a private endpoint would be made with."""

    def __init__(
        self,
        name: str,
        vnet_name: str,
        vnet_subnet_name: Optional[str] = None,
        vnet_subscription_id: Optional[str] = None,
        vnet_resource_group: Optional[str] = None,
    ) -> None:
        self.name = name
        self.vnet_name = vnet_name
        self.vnet_subnet_name = vnet_subnet_name
        self.vnet_subscription_id = vnet_subscription_id
        self.vnet_resource_group = vnet_resource_group


class PrivateEndPoint:
    """A private endpoint by its ids."""

    def __init__(
        self,
        private_endpoint_connection_resource_id: Optional[str] = None,
        private_endpoint_resource_id: Optional[str] = None,
    ) -> None:
        self.private_endpoint_connection_resource_id = private_endpoint_connection_resource_id
        self.private_endpoint_resource_id = private_endpoint_resource_id

    def get_details(self, auth: Any = None) -> Dict[str, Any]:
        """Refuse: there are no private endpoints."""
        not_yet("a server of Stepwell has no private endpoints")

    def delete(self, auth: Any = None) -> None:
        """Refuse: there are no private endpoints."""
        not_yet("a server of Stepwell has no private endpoints")
