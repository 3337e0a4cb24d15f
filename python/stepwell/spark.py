"""Compute targets on which steps of Spark run: a local Spark, a cluster, a Databricks workspace.

    from stepwell import spark
    spark.configure(ws, "cluster", master="spark://head:7077", executor_memory="4g")
    spark.configure(ws, "databricks", workspace_url="https://adb-12345.6.azuredatabricks.net")

Afterwards a `DatabricksStep` or `SynapseSparkStep` with that name as its compute target runs
there. A target that nobody configured runs Spark on this machine.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional


def configure(
    workspace: Any,
    name: str,
    master: Optional[str] = None,
    conf: Optional[Mapping[str, str]] = None,
    driver_memory: Optional[str] = None,
    executor_memory: Optional[str] = None,
    dbfs_root: Optional[str] = None,
    workspace_url: Optional[str] = None,
    token_variable: Optional[str] = None,
    token_secret: Optional[str] = None,
    poll_seconds: Optional[float] = None,
    concurrent_steps_max: Optional[int] = None,
    warm: Optional[bool] = None,
    warm_seconds: Optional[float] = None,
) -> None:
    """Create a compute target for Spark, or change the one of that name.

    Args:
        workspace: The workspace.
        name: The name that steps give as their compute target.
        master: `local[*]`, `local[N]`, `spark://HOST:PORT`, `yarn` or `k8s://URL`.
        conf: Properties of Spark; those of a step go before them.
        driver_memory: As Spark writes it: `4g`.
        executor_memory: Of each executor.
        dbfs_root: The folder that stands for DBFS.
        workspace_url: The address of a Databricks workspace; steps are jobs there.
        token_variable: The environment variable of the server with that workspace's token;
            `DATABRICKS_TOKEN` when `None`. When it is set, it goes before the secret.
        token_secret: The secret of the workspace with that token; `databricks-token-NAME` when
            `None`, where attaching a `DatabricksCompute` of that name keeps its access token.
        poll_seconds: The longest time between two questions about a job there; 10 when `None`.
        concurrent_steps_max: How many steps may run there at once; as many as this machine has
            cores when `None`.
        warm: Whether Spark's JVM is kept for the steps that follow; `True` when `None`. It holds
            for `local` masters.
        warm_seconds: How long a JVM is kept that no step uses; 300 when `None`.

    Raises:
        ValueError: A setting cannot work; the text says which.
    """
    from stepwell._spark._settings import parse
    from stepwell._worker import Failure

    given = {
        "master": master,
        "conf": dict(conf) if conf is not None else None,
        "driver_memory": driver_memory,
        "executor_memory": executor_memory,
        "dbfs_root": dbfs_root,
        "workspace_url": workspace_url,
        "token_variable": token_variable,
        "token_secret": token_secret,
        "poll_seconds": poll_seconds,
        "warm": warm,
        "warm_seconds": warm_seconds,
    }
    settings = {key: value for key, value in given.items() if value is not None}
    if master is not None and workspace_url is not None:
        raise ValueError("a compute target has a master or a workspace_url, not both")
    try:
        parse(name, settings)
    except Failure as failed:
        raise ValueError(f"{failed.summary}; {failed.hint}") from None
    body = {
        "kind": "Databricks" if workspace_url else "SynapseSpark",
        "settings": settings,
        "concurrent_steps_max": concurrent_steps_max,
    }
    workspace._client.put(f"/computes/{name}", body)
