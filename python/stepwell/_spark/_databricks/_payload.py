"""The body of `POST /api/2.2/jobs/runs/submit` for one step. Pure.

Source of the shapes: the Jobs API 2.2 as `databricks-sdk` 0.162 has it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from stepwell._spark._request import Request

TASK_KEY = "step"
DEFAULT_SPARK_VERSION = "10.4.x-scala2.12"
DEFAULT_NODE_TYPE = "Standard_D3_v2"
DEFAULT_VARIABLES = {"PYSPARK_PYTHON": "/databricks/python3/bin/python3"}


def submit_body(
    request: Request,
    token: str,
    parameters: Mapping[str, str],
    arguments: List[str],
    source: Optional[str],
) -> Dict[str, Any]:
    """The job of a step.

    Args:
        request: The step.
        token: The idempotency token: the workspace makes one run of all calls with it.
        parameters: The widgets of a notebook.
        arguments: What a script or JAR is given.
        source: Where the source directory is in the workspace; `None` when it is not needed.
    """
    timeout = int(request.task.get("timeout_s") or 0)
    task: Dict[str, Any] = {
        "task_key": TASK_KEY,
        **_code(request, parameters, arguments, source),
        **_compute(request.cluster),
        "timeout_seconds": timeout,
    }
    if request.libraries:
        task["libraries"] = [library(each) for each in request.libraries]
    return {
        "run_name": request.app_name,
        "tasks": [task],
        "idempotency_token": token,
        "timeout_seconds": timeout,
    }


def _code(
    request: Request, parameters: Mapping[str, str], arguments: List[str], source: Optional[str]
) -> Dict[str, Any]:
    code = request.code
    path = f"{source}/{code.path}" if source else code.path
    if code.kind == "notebook":
        # A notebook of the workspace has no ending in its path.
        for ending in (".ipynb", ".py", ".sql", ".scala", ".r") if source else ():
            path = path[: -len(ending)] if path.endswith(ending) else path
        return {
            "notebook_task": {
                "notebook_path": path,
                "base_parameters": dict(parameters),
                "source": "WORKSPACE",
            }
        }
    if code.kind == "script":
        return {"spark_python_task": {"python_file": path, "parameters": list(arguments)}}
    return {"spark_jar_task": {"main_class_name": code.path, "parameters": list(arguments)}}


def _compute(cluster: Mapping[str, Any]) -> Dict[str, Any]:
    if cluster.get("existing_cluster_id"):
        return {"existing_cluster_id": cluster["existing_cluster_id"]}
    new: Dict[str, Any] = {"spark_version": cluster.get("spark_version") or DEFAULT_SPARK_VERSION}
    if cluster.get("instance_pool_id"):
        new["instance_pool_id"] = cluster["instance_pool_id"]
    else:
        new["node_type_id"] = cluster.get("node_type") or DEFAULT_NODE_TYPE
    if cluster.get("num_workers") is not None:
        new["num_workers"] = int(cluster["num_workers"])
    else:
        new["autoscale"] = {
            "min_workers": int(cluster.get("min_workers") or 1),
            "max_workers": int(cluster.get("max_workers") or 1),
        }
    new["spark_env_vars"] = dict(cluster.get("spark_env_variables") or DEFAULT_VARIABLES)
    if cluster.get("spark_conf"):
        new["spark_conf"] = dict(cluster["spark_conf"])
    if cluster.get("init_scripts"):
        new["init_scripts"] = [init_script(each) for each in cluster["init_scripts"]]
    if cluster.get("cluster_log_dbfs_path"):
        new["cluster_log_conf"] = {"dbfs": {"destination": cluster["cluster_log_dbfs_path"]}}
    return {"new_cluster": new}


def init_script(path: str) -> Dict[str, Any]:
    """Where an init script is, by the kind of its path.

    >>> init_script("dbfs:/a.sh"), init_script("/Volumes/a.sh")
    ({'dbfs': {'destination': 'dbfs:/a.sh'}}, {'volumes': {'destination': '/Volumes/a.sh'}})
    """
    kinds = (("dbfs:/", "dbfs"), ("/Volumes/", "volumes"), ("abfss://", "abfss"), ("s3", "s3"))
    for beginning, kind in kinds:
        if path.startswith(beginning):
            return {kind: {"destination": path}}
    return {"workspace": {"destination": path}}


def library(each: Mapping[str, Any]) -> Dict[str, Any]:
    """A library without the members that are not set."""
    kind, value = next(pair for pair in each.items() if pair[0] != "sha256")
    if isinstance(value, Mapping):
        value = {name: part for name, part in value.items() if part}
    return {kind: value}
