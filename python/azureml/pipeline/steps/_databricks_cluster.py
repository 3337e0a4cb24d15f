"""The cluster that a `DatabricksStep` asks for: which settings go together, and its wire form."""

from __future__ import annotations

from typing import Any, Dict, Optional

from azureml.core.databricks import DatabricksCluster

SPARK_VERSION = "10.4.x-scala2.12"
NODE_TYPE = "Standard_D3_v2"
VARIABLES = {"PYSPARK_PYTHON": "/databricks/python3/bin/python3"}
_KINDS = {
    "num_workers": int,
    "min_workers": int,
    "max_workers": int,
    "init_scripts": list,
    "cluster_log_dbfs_path": str,
}


def wire_cluster(
    step: str, given: DatabricksCluster, of_run_config: Optional[DatabricksCluster]
) -> Dict[str, Any]:
    """The cluster of a step, from its own arguments or from its run configuration.

    Raises:
        ValueError: Both ask for one, or settings exclude each other.
    """
    settings = {name: getattr(given, name) for name in DatabricksCluster.FIELDS}
    if of_run_config is not None:
        used = [name for name, value in settings.items() if value is not None]
        if used:
            raise ValueError(
                "step `{}` has a cluster in its runconfig and {} beside it; keep one".format(
                    step, ", ".join(used)
                )
            )
        settings = {name: getattr(of_run_config, name) for name in DatabricksCluster.FIELDS}
    _check_kinds(step, settings)
    if settings["existing_cluster_id"] is not None:
        # As in v1, the settings of a new cluster are left out.
        kept = ("existing_cluster_id", "permit_cluster_restart")
        return {name: settings[name] for name in kept if settings[name] is not None}
    _check_new(step, settings)
    settings["spark_version"] = settings["spark_version"] or SPARK_VERSION
    settings["spark_env_variables"] = settings["spark_env_variables"] or dict(VARIABLES)
    if settings["instance_pool_id"] is None:
        settings["node_type"] = settings["node_type"] or NODE_TYPE
    return {name: value for name, value in settings.items() if value is not None}


def _check_kinds(step: str, settings: Dict[str, Any]) -> None:
    for name, kind in _KINDS.items():
        value = settings[name]
        if value is not None and not isinstance(value, kind):
            raise ValueError(
                f"{name} of step `{step}` is a {type(value).__name__}; pass a {kind.__name__}"
            )


def _check_new(step: str, settings: Dict[str, Any]) -> None:
    if settings["permit_cluster_restart"] is not None:
        raise ValueError(
            f"step `{step}` sets permit_cluster_restart, which is for an existing cluster; set "
            "existing_cluster_id"
        )
    if settings["node_type"] is not None and settings["instance_pool_id"] is not None:
        raise ValueError(f"step `{step}` sets node_type and instance_pool_id; set one of them")
    fixed = settings["num_workers"] is not None
    bounds = [settings["min_workers"], settings["max_workers"]]
    if fixed and any(bound is not None for bound in bounds):
        raise ValueError(
            f"step `{step}` sets num_workers, so leave out min_workers and max_workers"
        )
    if not fixed and any(bound is None for bound in bounds):
        raise ValueError(
            f"step `{step}` needs num_workers, or min_workers and max_workers, for its new cluster"
        )
