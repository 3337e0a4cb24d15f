"""`DatabricksStep`: a notebook, a script or a JAR on Spark.

It runs on open Spark of this machine unless its compute target names a cluster or a Databricks
workspace; see `docs/spark.md`.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azureml.core import databricks
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._parameter import PipelineParameter, gathered
from azureml.pipeline.core._spark_work import SparkWork
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep
from azureml.pipeline.steps import _databricks_cluster
from azureml.pipeline.steps._databricks_libraries import wire_libraries
from azureml.pipeline.steps._spark_target import target_name


class DatabricksStep(PipelineStep):
    """A step that runs a notebook, a Python script or a JAR on Spark.

    Example:
        >>> clean = PipelineData("clean", datastore=datastore)
        >>> step = DatabricksStep(
        ...     name="clean",
        ...     notebook_path="/Shared/clean",
        ...     notebook_params={"day": PipelineParameter("day", "2024-01-01")},
        ...     outputs=[clean],
        ...     num_workers=1,
        ...     compute_target="databricks",
        ... )
        >>> step.name
        'clean'
    """

    def __init__(
        self,
        name: str,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        existing_cluster_id: Optional[str] = None,
        spark_version: Optional[str] = None,
        node_type: Optional[str] = None,
        instance_pool_id: Optional[str] = None,
        num_workers: Optional[int] = None,
        min_workers: Optional[int] = None,
        max_workers: Optional[int] = None,
        spark_env_variables: Optional[Dict[str, str]] = None,
        spark_conf: Optional[Dict[str, str]] = None,
        init_scripts: Optional[List[str]] = None,
        cluster_log_dbfs_path: Optional[str] = None,
        notebook_path: Optional[str] = None,
        notebook_params: Optional[Dict[str, Any]] = None,
        python_script_path: Optional[str] = None,
        python_script_params: Any = None,
        main_class_name: Optional[str] = None,
        jar_params: Any = None,
        python_script_name: Optional[str] = None,
        source_directory: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
        run_name: Optional[str] = None,
        timeout_seconds: Optional[int] = None,
        runconfig: Any = None,
        maven_libraries: Optional[List[databricks.MavenLibrary]] = None,
        pypi_libraries: Optional[List[databricks.PyPiLibrary]] = None,
        egg_libraries: Optional[List[databricks.EggLibrary]] = None,
        jar_libraries: Optional[List[databricks.JarLibrary]] = None,
        rcran_libraries: Optional[List[databricks.RCranLibrary]] = None,
        compute_target: Any = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        permit_cluster_restart: Optional[bool] = None,
    ) -> None:
        """A step on Spark; exactly one of the four ways to name its code is set.

        Args:
            name: The step's name.
            inputs: What it reads; a notebook finds the URI in the widget of the input's name, a
                script or JAR in the arguments `-name URI`.
            outputs: What it writes; found in the same way.
            existing_cluster_id: On Databricks: the cluster; the settings of a new one are left out.
            spark_version: Of a new cluster.
            node_type: Of a new cluster; not with `instance_pool_id`.
            instance_pool_id: Where a new cluster takes its machines from.
            num_workers: The size of a new cluster; not with `min_workers` and `max_workers`.
            min_workers: The least size of a cluster that scales.
            max_workers: The greatest size of a cluster that scales.
            spark_env_variables: Environment variables of Spark.
            spark_conf: Properties of Spark.
            init_scripts: Scripts that a new cluster of Databricks runs first.
            cluster_log_dbfs_path: Where a new cluster of Databricks keeps its logs.
            notebook_path: The notebook: in the Databricks workspace, or on open Spark in the
                source directory, with or without its ending.
            notebook_params: Widgets of the notebook: texts or pipeline parameters.
            python_script_path: A script on DBFS.
            python_script_params: Its arguments; a pipeline parameter gives its name and its value.
            main_class_name: The main class of a JAR among the `jar_libraries`.
            jar_params: Its arguments, as those of a script.
            python_script_name: A script in the source directory.
            source_directory: The folder of the step's files.
            hash_paths: Deprecated in v1; has no effect.
            run_name: The name of the run on Databricks.
            timeout_seconds: The longest it may run.
            runconfig: The environment, with its section `databricks`.
            maven_libraries: Libraries by their Maven coordinates.
            pypi_libraries: Python packages.
            egg_libraries: Eggs.
            jar_libraries: JARs; of a step with a main class, the first one holds it.
            rcran_libraries: R packages; on Databricks only.
            compute_target: Where it runs: a name or a DatabricksCompute.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            version: The user's own mark of the step's version.
            permit_cluster_restart: On Databricks: whether a cluster that is terminated may be
                started for the step.

        Raises:
            ValueError: Settings are missing or exclude each other; the text says which.
        """
        if not name:
            raise ValueError("a DatabricksStep needs a name")
        if compute_target is None:
            raise ValueError(f"step `{name}` needs a compute_target")
        ways = {
            "notebook_path": notebook_path,
            "python_script_path": python_script_path,
            "python_script_name": python_script_name,
            "main_class_name": main_class_name,
        }
        self._way = _only(name, ways)
        self._path = str(ways[self._way])
        if self._way == "python_script_name" and source_directory is None:
            raise ValueError(
                f"step `{name}` names python_script_name, so it needs source_directory"
            )
        _check_types(name, timeout_seconds, run_name)
        section = getattr(getattr(runconfig, "environment", None), "databricks", None)
        lists = [maven_libraries, pypi_libraries, egg_libraries, jar_libraries, rcran_libraries]
        if runconfig is not None and any(each is not None for each in lists):
            raise ValueError(
                f"step `{name}` has a runconfig and lists of libraries; put the libraries into "
                "runconfig.environment.databricks"
            )
        cluster = databricks.DatabricksCluster(
            existing_cluster_id,
            spark_version,
            node_type,
            instance_pool_id,
            num_workers,
            min_workers,
            max_workers,
            spark_env_variables,
            spark_conf,
            init_scripts,
            cluster_log_dbfs_path,
            permit_cluster_restart,
        )
        self._cluster = _databricks_cluster.wire_cluster(
            name, cluster, getattr(section, "cluster", None)
        )
        self._libraries = wire_libraries(
            name, section if runconfig is not None else _section(*lists)
        )
        self._notebook_params = _checked_params(name, notebook_params)
        tokens = {
            "python_script_path": python_script_params,
            "python_script_name": python_script_params,
            "main_class_name": jar_params,
        }.get(self._way)
        self._source_directory = source_directory
        self._run_name = run_name
        self._timeout_seconds = timeout_seconds
        self._runconfig = runconfig
        self._compute_target = compute_target
        self._allow_reuse = allow_reuse
        self._version = version
        super().__init__(name, inputs, outputs, argument_list(name, tokens))
        given = [
            each for each in self._notebook_params.values() if isinstance(each, PipelineParameter)
        ]
        self._parameters = gathered([*given, *self._implicit_parameters])

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Args:
            graph: The graph.
            default_datastore: The datastore of outputs that name none.
            context: The context of the graph.

        Returns:
            The node.

        Raises:
            ValueError: The script, the source directory or the compute target will not do.
        """
        script = self._path if self._way == "python_script_name" else None
        folder = None
        if self._source_directory is not None:
            folder = self.get_source_directory(context, self._source_directory, script)
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        arguments = self.resolve_input_arguments(self._arguments, inputs, outputs, self._parameters)
        definition = self.create_module_def(
            "databricks",
            inputs,
            outputs,
            [
                ParamDef(name, parameter.default_value, set_env_var=True)
                for name, parameter in self._parameters.items()
            ],
            allow_reuse=self._allow_reuse,
            version=self._version,
            arguments=arguments,
        )
        node = graph.add_module_node(
            self.name,
            inputs,
            outputs,
            self._parameters,
            module_builder=ModuleBuilder(definition, folder),
            runconfig=self._runconfig,
        )
        node._work = SparkWork(
            kind={"notebook_path": "notebook", "main_class_name": "jar"}.get(self._way, "script"),
            path=self._path,
            target=target_name(self.name, self._compute_target),
            name=self.name,
            style="databricks",
            arguments=arguments,
            parameters=self._notebook_params,
            source_directory=folder,
            default_directory=self.get_source_directory(context, None, None),
            run_config=self._runconfig,
            spark={"app_name": self._run_name} if self._run_name else {},
            cluster=self._cluster,
            libraries=self._libraries,
            timeout_seconds=self._timeout_seconds,
        )
        return node


def argument_list(step: str, given: Any) -> List[Any]:
    """The arguments of a script or JAR, from a list or a dictionary of them.

    As in v1, a pipeline parameter in a list is two arguments, its name and its value; a
    dictionary gives `name=value`.

    Raises:
        AttributeError: An argument is neither a text nor a pipeline parameter.
    """
    if isinstance(given, Mapping):
        given = [f"{name}={_default_of(value)}" for name, value in given.items()]
    made: List[Any] = []
    for value in given or []:
        if isinstance(value, PipelineParameter):
            made += [value.name, value]
        elif isinstance(value, str):
            made.append(value)
        else:
            raise AttributeError(  # v1 raises this
                f"an argument of step `{step}` is a {type(value).__name__}; pass a str or "
                "a PipelineParameter"
            )
    return made


def _default_of(value: Any) -> Any:
    return value.default_value if isinstance(value, PipelineParameter) else value


def _only(step: str, ways: Mapping[str, Any]) -> str:
    """The one way of naming the code that is used."""
    used = [way for way, value in ways.items() if value is not None]
    if len(used) != 1:
        raise ValueError(
            "step `{}` needs exactly one of {}; it has {}".format(
                step, ", ".join(ways), " and ".join(used) or "none"
            )
        )
    return used[0]


def _check_types(step: str, timeout_seconds: Any, run_name: Any) -> None:
    for what, value, kind in (
        ("timeout_seconds", timeout_seconds, int),
        ("run_name", run_name, str),
    ):
        if value is not None and not isinstance(value, kind):
            raise ValueError(
                f"{what} of step `{step}` is a {type(value).__name__}; pass a {kind.__name__}"
            )


def _checked_params(step: str, params: Any) -> Dict[str, Any]:
    """The widgets of a notebook."""
    if params is not None and not isinstance(params, Mapping):
        raise ValueError(
            f"notebook_params of step `{step}` are a {type(params).__name__}; pass a dict"
        )
    return dict(params or {})


def _section(maven: Any, pypi: Any, egg: Any, jar: Any, rcran: Any) -> databricks.DatabricksSection:
    section = databricks.DatabricksSection()
    section.maven_libraries = list(maven or [])
    section.pypi_libraries = list(pypi or [])
    section.egg_libraries = list(egg or [])
    section.jar_libraries = list(jar or [])
    section.rcran_libraries = list(rcran or [])
    return section
