"""What MLflow asks for where a tracking URI begins with `azureml:`: its own clients, which look up
before each request where the server is now.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from azureml.mlflow._address import host_credentials


def tracking_store(store_uri: str, artifact_uri: Any = None, **_ignored: Any) -> Any:
    """The client of runs and experiments.

    Args:
        store_uri: The tracking URI.
        artifact_uri: Without meaning: the server says where artifacts are.

    Returns:
        MLflow's own client.
    """
    from mlflow.store.tracking.rest_store import RestStore

    return RestStore(partial(host_credentials, store_uri))


def registry_store(store_uri: str, **_ignored: Any) -> Any:
    """The client of registered models.

    Args:
        store_uri: The registry's URI; that of the tracking when a program sets no other.

    Returns:
        MLflow's own client.
    """
    from mlflow.store.model_registry.rest_store import RestStore

    return RestStore(partial(host_credentials, store_uri))
