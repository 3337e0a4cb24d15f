"""Compute targets on which a `KustoStep` runs: a cluster of Azure Data Explorer.

    from stepwell import kusto
    kusto.configure(ws, "kusto", cluster_url="https://help.westeurope.kusto.windows.net")

Afterwards a `KustoStep` with that name as its compute target sends its query there. A target that
nobody configured runs queries over files in DuckDB.
"""

from __future__ import annotations

import re
from typing import Any, Optional


def configure(
    workspace: Any, name: str, cluster_url: str, token_variable: Optional[str] = None
) -> None:
    """Create a compute target for a Kusto cluster, or change the one of that name.

    Args:
        workspace: The workspace.
        name: The name that steps give as their compute target.
        cluster_url: The address of the cluster.
        token_variable: The environment variable of the server with an access token for the
            cluster; `KUSTO_TOKEN` when `None`.

    Raises:
        ValueError: The address is none.
    """
    if not re.match(r"https?://[^/\s]+/?$", cluster_url):
        raise ValueError(
            f"cluster_url is `{cluster_url}`; it is the address of a cluster, such as "
            "https://help.westeurope.kusto.windows.net"
        )
    settings = {"cluster_url": cluster_url.rstrip("/"), "token_variable": token_variable}
    kept = {key: value for key, value in settings.items() if value is not None}
    workspace._client.put(f"/computes/{name}", {"kind": "Kusto", "settings": kept})
