"""`KustoStep`: a step that runs a KQL query over tables of the workspace.

The query runs in DuckDB (`stepwell._kusto`, package `duckdb-kql`): the tables of a database are the
CSV, Parquet and JSON-lines files of a folder. When the compute target's settings name a cluster
(`stepwell.kusto.configure`), it is sent there. Its result is one CSV file.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List, NamedTuple, Optional

from azureml.data.data_reference import DataReference
from azureml.pipeline.core._arguments import InputToken, OutputToken, TextToken, Token
from azureml.pipeline.core._bindings import InputPortBinding, OutputPortBinding
from azureml.pipeline.core._pipeline_data import PipelineData
from azureml.pipeline.core._task_context import TaskContext
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep

PACKAGES = ("duckdb-kql[duckdb]", "pandas")
DATABASE_PORT = "database"
CLUSTER_SETTING = "cluster_url"
"""The setting of a compute target that makes its steps queries of a cluster."""


class KustoWork(NamedTuple):
    """A query with its parameters."""

    directory: str
    parameters: Dict[str, Any]
    output: str
    target: str
    cluster: Dict[str, Any]
    """The settings of the target when they name a cluster; else empty."""
    database: str
    """The name of the database in a cluster."""

    def wire(self, context: TaskContext) -> Dict[str, Any]:
        """The task as the server takes it: a program of the SDK's own."""
        words = [
            TextToken("-m"),
            TextToken("stepwell._kusto"),
            *self._place(),
            TextToken("--output"),
            OutputToken(self.output),
            TextToken("--parameters"),
            TextToken(json.dumps(self.parameters, sort_keys=True)),
        ]
        return {
            "type": "process",
            "program": {"command": "python"},
            "arguments": context.arguments(words),
            "snapshot": context.snapshot(self.directory),
            "environment": _interpreter() if self.cluster else _environment(),
            "variables": {},
        }

    def _place(self) -> List[Token]:
        """Where the database is."""
        if not self.cluster:
            return [TextToken("--database"), InputToken(DATABASE_PORT)]
        words = ["--database", self.database, "--cluster", self.cluster[CLUSTER_SETTING]]
        if self.cluster.get("token_variable"):
            words += ["--token-variable", self.cluster["token_variable"]]
        return [TextToken(word) for word in words]


class KustoStep(PipelineStep):
    """A step that runs a KQL query.

    Example:
        >>> step = KustoStep(
        ...     name="storms",
        ...     compute_target="kusto",
        ...     database_name="Samples",
        ...     query_directory="query",
        ...     output=PipelineData("result", datastore=datastore),
        ... )
        >>> step.name
        'storms'
    """

    def __init__(
        self,
        name: str,
        compute_target: str,
        database_name: str,
        query_directory: str,
        output: Any,
        parameter_dict: Optional[Dict[str, Any]] = None,
        allow_reuse: bool = False,
    ) -> None:
        """A step that runs the query of `query_directory`.

        Args:
            name: The step's name.
            compute_target: The name of the compute target.
            database_name: The datastore whose files are the tables; if there is none of the name,
                the folder of the name on the default datastore. In a cluster its database.
            query_directory: A folder with exactly one text file, the query.
            output: Gets the result as a CSV file: a PipelineData.
            parameter_dict: Values of the query's parameters, by name.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.

        Raises:
            ValueError: Something is missing or of another kind.
        """
        for argument, value in (
            ("name", name),
            ("compute_target", compute_target),
            ("database_name", database_name),
            ("query_directory", query_directory),
        ):
            if not isinstance(value, str) or not value:
                raise ValueError(f"{argument} must be a string, not {value!r}")
        if not isinstance(output, (PipelineData, OutputPortBinding)):
            raise ValueError("output must be type PipelineData or OutputPortBinding")
        if parameter_dict is not None and not isinstance(parameter_dict, dict):
            raise ValueError("parameter_dict must be a dictionary")
        self._params = {
            "compute_name": compute_target,
            "database_name": database_name,
            "parameter_dict": json.dumps(parameter_dict) if parameter_dict else " ",
        }
        self._values = dict(parameter_dict or {})
        self._query_directory = query_directory
        self._allow_reuse = allow_reuse
        super().__init__(name, [], [output])

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Raises:
            ValueError: The folder does not hold exactly one query.
        """
        directory = os.path.abspath(self._query_directory)
        _check_query(self.name, directory)
        cluster = _cluster(context._workspace, self._params["compute_name"])
        tables = [] if cluster else [self._database(context._workspace)]
        inputs, outputs = self.create_input_output_bindings(
            tables, self._outputs, default_datastore
        )
        definition = self.create_module_def(
            "KustoCloud", inputs, outputs, [], allow_reuse=self._allow_reuse
        )
        node = graph.add_module_node(
            self.name, inputs, outputs, {}, module_builder=ModuleBuilder(definition, directory)
        )
        node._work = KustoWork(
            directory,
            self._values,
            outputs[0].name,
            self._params["compute_name"],
            cluster,
            self._params["database_name"],
        )
        return node

    def _database(self, workspace: Any) -> InputPortBinding:
        """The folder of the tables as an input."""
        name, stores = self._params["database_name"], workspace.datastores
        store, path = (stores[name], "") if name in stores else (None, name)
        store = store if store is not None else workspace.get_default_datastore()
        data = DataReference(store, DATABASE_PORT, path_on_datastore=path)
        return InputPortBinding(DATABASE_PORT, data)

    def __str__(self) -> str:
        """The kind and the name."""
        return f"KustoStep_{self.name}"

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)


def _check_query(name: str, directory: str) -> None:
    files: List[str] = os.listdir(directory) if os.path.isdir(directory) else []
    if len(files) != 1:
        raise ValueError(
            f"the query_directory of step `{name}` must hold exactly one file, the query; "
            f"{directory} holds "
            f"{len(files)}"
        )


def _cluster(workspace: Any, target: str) -> Dict[str, Any]:
    """The settings of a compute target that names a cluster; else empty."""
    for compute in workspace._client.get("/computes")["computes"]:
        settings: Dict[str, Any] = compute.get("settings") or {}
        if compute["name"] == target and settings.get(CLUSTER_SETTING):
            return settings
    return {}


def _interpreter() -> Dict[str, Any]:
    return {"kind": "interpreter", "python": sys.executable}


def _environment() -> Dict[str, Any]:
    """The Python of the query: this one if it has the package, else one that is built."""
    from importlib.util import find_spec

    if find_spec("duckdb_kql") is not None:
        return _interpreter()
    return {
        "kind": "python",
        "name": "kusto",
        "python_version": None,
        "base_python": sys.executable,
        "pip": list(PACKAGES),
        "conda": [],
        "pip_options": [],
    }
