"""The tracking URI of a workspace, and the server that it leads to.

It is a plain string, as it was in v1: programs give it to MLflow, print it, and hand it to
processes that they start. It names the project's folder when an embedded server serves it, so that
each of them finds that server, or starts it again. It holds no token: a program's own is in its
environment or its folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

if TYPE_CHECKING:
    from stepwell.client import Client

SCHEME = "azureml"

# Where the server speaks MLflow to those whose artifacts have addresses of this scheme.
DOOR = "/mlflow/v1.0"

_WORKSPACE = (
    "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}"
)


def tracking_uri(client: Client, subscription: str, group: str, workspace: str) -> str:
    """The URI of the workspace that a server serves, under the names that a program gives it.

    Args:
        client: The server.
        subscription: The workspace's subscription.
        group: Its resource group.
        workspace: Its name.

    Returns:
        A URI that MLflow takes wherever this package is installed.
    """
    names = [quote(name, safe="") for name in (subscription, group, workspace)]
    place = urlsplit(client.url).netloc + DOOR + _WORKSPACE.format(*names)
    folder = client.folder
    query = "?" + urlencode({"folder": folder}) if folder else ""
    return f"{SCHEME}://{place}{query}"


def client_of(uri: str) -> Client:
    """The server that a tracking URI leads to.

    Args:
        uri: The tracking URI.

    Returns:
        Its client.
    """
    from stepwell import connect

    folder = parse_qs(urlsplit(uri).query).get("folder")
    return connect(folder[0] if folder else None)


def host_credentials(uri: str) -> Any:
    """Where MLflow's own client sends its requests, and the token that lets it in.

    Args:
        uri: The tracking URI.

    Returns:
        What MLflow calls the credentials of a host.
    """
    import os

    from mlflow.utils import rest_utils

    client = client_of(uri)
    # The socket file shows whose server it is; another user's could have taken its port.
    client.ensure()
    known = {"host": client.url + DOOR, "token": client.token}
    authorities = os.environ.get("STEPWELL_CA_FILE")
    if authorities and client.url.startswith("https:"):
        known["server_cert_path"] = authorities
    return rest_utils.MlflowHostCreds(**known)
