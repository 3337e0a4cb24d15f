"""The ways to log in that v1 programs know, all of which lead to the same door.

A Stepwell server knows its clients by its own token, which is found with the server; no
credential given here is looked at, kept on disk or sent anywhere. The header every class gives
is the one that this server's REST interface expects.
"""

from __future__ import annotations

import time
from enum import Enum
from typing import Any, Callable, Dict, NamedTuple, Optional, Union

from azureml._lazy import Getattr, exports

# Programs import these from here, as they could where this module used them.
__getattr__: Getattr = exports(
    globals(),
    {
        "AuthenticationException": "azureml.exceptions",
        "UserErrorException": "azureml.exceptions",
    },
)


class Audience(Enum):
    """Who a token is for."""

    ARM = "ARM"
    AZUREML = "AZUREML"


class _AccessToken(NamedTuple):
    """A token and the second since 1970 at which to ask for another."""

    token: str
    expires_on: int


class AbstractAuthentication(object):
    """The root of all ways to log in."""

    def __init__(self, cloud: Optional[str] = None) -> None:
        """Nothing is asked yet; `cloud` is kept for programs that look."""
        self._cloud_type = cloud

    def get_authentication_header(self) -> Dict[str, str]:
        """The header for requests to the server of this folder.

        Returns:
            The header `Authorization` with its value.
        """
        return {"Authorization": "Bearer " + _server_token()}

    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        """The server's token, in the shape that Azure clients expect.

        Args:
            scopes: Without effect; the token is good for all of the server.

        Returns:
            The `token`, and `expires_on`, an hour from now in seconds since 1970.
        """
        return _AccessToken(_server_token(), int(time.time()) + 3600)

    def signed_session(self, session: Any = None) -> Any:
        """A `requests` session that sends the header with every request.

        Args:
            session: The session; a fresh one when `None`.

        Returns:
            The session.
        """
        if session is None:
            import requests

            session = requests.Session()
        session.headers.update(self.get_authentication_header())
        return session


def _server_token() -> str:
    from stepwell import connect

    return connect().token


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Logging in by a browser: not needed, and not done.

    Example:
        >>> login = InteractiveLoginAuthentication()
        >>> workspace = Workspace.from_config(auth=login)
        >>> list(login.get_authentication_header())
        ['Authorization']
    """

    def __init__(
        self, force: bool = False, tenant_id: Optional[str] = None, cloud: Optional[str] = None
    ) -> None:
        """All parameters are accepted; none is needed.

        Args:
            force: Without effect.
            tenant_id: A directory of users; kept.
            cloud: The name of a cloud; kept.
        """
        super().__init__(cloud)
        self._tenant_id = tenant_id


class AzureCliAuthentication(AbstractAuthentication):
    """Logging in by the `az` command: not needed, and not done.

    Example:
        >>> workspace = Workspace.from_config(auth=AzureCliAuthentication())
        >>> workspace.get_default_datastore().name
        'workspaceblobstore'
    """

    def __init__(self, cloud: Optional[str] = None) -> None:
        """All parameters are accepted; none is needed.

        Args:
            cloud: The name of a cloud; kept.
        """
        super().__init__(cloud)


class ArmTokenAuthentication(AbstractAuthentication):
    """Logging in by a token of Azure Resource Manager."""

    def __init__(self, arm_access_token: str, cloud: str = "None") -> None:
        """The token is accepted; it is not needed."""
        super().__init__(cloud)

    def update_arm_access_token(self, new_arm_access_token: str) -> None:
        """The token is accepted; it is not needed."""


class ServicePrincipalAuthentication(AbstractAuthentication):
    """Logging in as a service principal: what automated jobs use."""

    def __init__(
        self,
        tenant_id: str,
        service_principal_id: str,
        service_principal_password: str,
        cloud: str = "AzureCloud",
        _enable_caching: bool = True,
    ) -> None:
        """The password is accepted; it is not needed, and not kept."""
        super().__init__(cloud)
        self._tenant_id = tenant_id
        self._service_principal_id = service_principal_id


class AzureMLTokenAuthentication(AbstractAuthentication):
    """Logging in by the token of a run: what a step's program has. It does not expire."""

    EXPIRATION_THRESHOLD_IN_SECONDS = 95
    REFRESH_INTERVAL_IN_SECONDS = 30

    def __init__(
        self,
        azureml_access_token: str,
        expiry_time: Any = None,
        host: Optional[str] = None,
        subscription_id: Optional[str] = None,
        resource_group_name: Optional[str] = None,
        workspace_name: Optional[str] = None,
        experiment_name: Optional[str] = None,
        run_id: Optional[str] = None,
        user_email: Optional[str] = None,
        experiment_id: Optional[str] = None,
        cloud: str = "AzureCloud",
    ) -> None:
        """A token; the names beside it are accepted and not needed."""
        super().__init__(cloud)
        self._token = azureml_access_token
        self._expiry_time = expiry_time

    @classmethod
    def create(
        cls,
        azureml_access_token: str,
        expiry_time: Any,
        host: str,
        subscription_id: str,
        resource_group_name: str,
        workspace_name: str,
        experiment_name: str,
        run_id: str,
        user_email: Optional[str] = None,
        experiment_id: Optional[str] = None,
    ) -> AzureMLTokenAuthentication:
        """The same as the constructor."""
        return cls(azureml_access_token, expiry_time, host)

    @property
    def token(self) -> str:
        """The token."""
        return self._token

    @property
    def expiry_time(self) -> Any:
        """When the token ends, as it was given."""
        return self._expiry_time

    def set_token(self, token: str, expiry_time: Any) -> None:
        """Take another token."""
        self._token = token
        self._expiry_time = expiry_time

    def get_authentication_header(self) -> Dict[str, str]:
        """The header for requests to the server."""
        return {"Authorization": "Bearer " + self._token}


class MsiAuthentication(AbstractAuthentication):
    """Logging in by the identity of a machine: not needed, and not done."""

    def __init__(self, cloud: Optional[str] = None, **kwargs: Any) -> None:
        """All parameters are accepted; none is needed."""
        super().__init__(cloud)


class TokenAuthentication(AbstractAuthentication):
    """Logging in by tokens that the program's own function gives."""

    def __init__(
        self, get_token_for_audience: Callable[[Audience], str], cloud: Optional[str] = None
    ) -> None:
        """The function is kept; only `get_token` calls it."""
        super().__init__(cloud)
        self._get_token_for_audience = get_token_for_audience

    def get_token(self, audience: Union[Audience, str] = Audience.ARM) -> str:  # type: ignore[override]
        """What the program's function gives for `audience`."""
        return self._get_token_for_audience(Audience(audience))
