"""The work of steps on Spark: a notebook, a script or a JAR.

Where it runs is the compute target's: Spark on this machine, a cluster that the target's settings
name, or a Databricks workspace. The worker is `stepwell._spark`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from azureml.core._packages import package_name
from azureml.pipeline.core._arguments import Token
from azureml.pipeline.core._task_context import TaskContext

Wire = Dict[str, Any]
REMOTE_SETTING = "workspace_url"
"""The setting of a compute target that makes its steps jobs of a Databricks workspace."""


class SparkWork(NamedTuple):
    """A notebook, a script or a JAR with everything it is given."""

    kind: str
    """`notebook`, `script` or `jar`."""
    path: str
    """The notebook or script; the main class of a JAR."""
    target: str
    """The name of the compute target."""
    name: str
    """The name of the step."""
    style: str
    """`databricks` or `synapse`: how ports reach the code."""
    arguments: List[Token]
    parameters: Mapping[str, Any]
    """The widgets of a notebook: texts and pipeline parameters."""
    source_directory: Optional[str]
    """The folder of the step's files; `None` when the code is not among files of this machine."""
    default_directory: str
    """The folder in which a notebook is searched when there is no source directory."""
    run_config: Any
    spark: Mapping[str, Any]
    """Sizes, properties and files of the application."""
    cluster: Mapping[str, Any]
    """The cluster of Databricks that the step asks for."""
    libraries: List[Wire]
    timeout_seconds: Optional[int]

    def wire(self, context: TaskContext) -> Wire:
        """The task as the server takes it."""
        is_remote = bool(_settings(context, self.target).get(REMOTE_SETTING))
        folder = self._folder(is_remote)
        environment, variables = self._environment(context, is_remote)
        known, carried = context.variables()
        code: Wire = {
            "kind": self.kind,
            "path": self.path,
            "arguments": context.arguments(self.arguments),
            "parameters": {name: context.value(value) for name, value in self.parameters.items()},
        }
        return {
            "type": "spark",
            "code": code,
            "name": self.name,
            "style": self.style,
            "remote": is_remote,
            "snapshot": context.snapshot(folder) if folder else None,
            "environment": environment,
            "variables": {**variables, **known},
            "parameter_variables": carried,
            "spark": dict(self.spark),
            "cluster": dict(self.cluster),
            "libraries": [_with_digest(each) for each in self.libraries],
            "timeout_seconds": self.timeout_seconds,
        }

    def _folder(self, is_remote: bool) -> Optional[str]:
        """The folder that becomes the working directory.

        Raises:
            ValueError: The notebook is not there.
        """
        if self.source_directory is not None or is_remote or self.kind != "notebook":
            folder = self.source_directory
        else:
            folder = self.default_directory
        if folder is not None and self.kind == "notebook":
            from stepwell._spark._notebook._application import NotebookNotFound, find

            try:
                find(self.path, folder, folder)
            except NotebookNotFound as missing:
                raise ValueError(f"step `{self.name}`: {missing}") from None
        return folder

    def _environment(self, context: TaskContext, is_remote: bool) -> Any:
        """The Python of the worker: with pyspark, unless the code runs in a workspace."""
        environment, variables = context.environment(self.run_config)
        if is_remote:
            return {"kind": "interpreter", "python": sys.executable}, variables
        return with_pyspark(environment), variables


def with_pyspark(environment: Wire) -> Wire:
    """The environment, with pyspark added if it has none.

    An interpreter of the user's own is taken as it is when it is not the submitting one: what is
    in it is not known here.
    """
    if environment["kind"] == "interpreter":
        if environment["python"] != sys.executable or _has_pyspark():
            return environment
        return {
            "kind": "python",
            "name": "spark",
            "python_version": None,
            "base_python": sys.executable,
            "pip": ["pyspark"],
            "conda": [],
            "pip_options": [],
        }
    listed = [package_name(each) for each in environment["pip"] + environment["conda"]]
    if "pyspark" in listed:
        return environment
    return {**environment, "pip": [*environment["pip"], "pyspark"]}


def _has_pyspark() -> bool:
    import importlib.util

    return importlib.util.find_spec("pyspark") is not None


def _settings(context: TaskContext, target: str) -> Mapping[str, Any]:
    """The settings that the workspace keeps of a compute target."""
    for compute in context.client.get("/computes")["computes"]:
        if compute["name"] == target:
            settings: Mapping[str, Any] = compute.get("settings") or {}
            return settings
    return {}


def _with_digest(library: Wire) -> Wire:
    """A library that is a file of this machine, with the digest of its content.

    It is part of what makes two steps equal: a JAR that was compiled again is another one.
    """
    kind, value = next(iter(library.items()))
    if not isinstance(value, str):
        return library
    path = value[len("file:") :] if value.startswith("file:") else value
    if not os.path.isabs(path) or not os.path.isfile(path):
        return library
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return {kind: value, "sha256": digest.hexdigest()}
