"""`SynapseSparkStep`: a Python script on Spark.

It runs on open Spark of this machine unless its compute target names a cluster; see
`docs/spark.md`.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azureml.pipeline.core._data_kinds import is_a
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._parameter import gathered
from azureml.pipeline.core._spark_work import SparkWork
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep
from azureml.pipeline.steps._spark_target import target_name

INPUT_MODES = ("direct", "hdfs")
LISTS = {"spark.submit.pyFiles": "py_files", "spark.jars": "jars", "spark.files": "files"}
"""Properties of Spark that are lists; the step's own files are added to them."""


class SynapseSparkStep(PipelineStep):
    """A step that runs a Python script on Spark.

    Example:
        >>> step = SynapseSparkStep(
        ...     file="prepare.py",
        ...     source_directory="src",
        ...     inputs=[files.as_named_input("sales").as_hdfs()],
        ...     outputs=[HDFSOutputDatasetConfig("rows", destination=(datastore, "rows"))],
        ...     compute_target="spark",
        ...     driver_memory="1g",
        ...     driver_cores=1,
        ...     executor_memory="1g",
        ...     executor_cores=1,
        ...     num_executors=1,
        ... )
        >>> step.name
        'prepare.py'
    """

    def __init__(
        self,
        file: str,
        source_directory: str,
        compute_target: Any,
        driver_memory: str,
        driver_cores: int,
        executor_memory: str,
        executor_cores: int,
        num_executors: int,
        name: Optional[str] = None,
        app_name: Optional[str] = None,
        environment: Any = None,
        arguments: Optional[List[Any]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        conf: Optional[Dict[str, Any]] = None,
        py_files: Optional[List[str]] = None,
        jars: Optional[List[str]] = None,
        files: Optional[List[str]] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
    ) -> None:
        """A step that runs `file`.

        Args:
            file: The script, relative to the source directory.
            source_directory: The folder of the step's files.
            compute_target: Where it runs: a name or a SynapseCompute.
            driver_memory: Of the driver, as Spark writes it: `1g`.
            driver_cores: Of the driver.
            executor_memory: Of each executor.
            executor_cores: Of each executor.
            num_executors: How many executors.
            name: The step's name; the script's when `None`.
            app_name: What the application is called; the step's name when `None`.
            environment: The packages of the driver and of the executors on this machine.
            arguments: The script's arguments; data objects stand for their URIs.
            inputs: Datasets in the mode `direct` or `hdfs`.
            outputs: `HDFSOutputDatasetConfig`s.
            conf: Properties of Spark.
            py_files: Python files and archives that go with the application.
            jars: JARs that go with the application.
            files: Other files that go with the application.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            version: The user's own mark of the step's version.

        Raises:
            ValueError: Something required is missing, or cannot be used; the text says what.
        """
        required = {
            "file": file,
            "source_directory": source_directory,
            "compute_target": compute_target,
            "driver_memory": driver_memory,
            "driver_cores": driver_cores,
            "executor_memory": executor_memory,
            "executor_cores": executor_cores,
            "num_executors": num_executors,
        }
        missing = [each for each, value in required.items() if not value]
        if missing:
            raise ValueError("a SynapseSparkStep needs {}".format(", ".join(missing)))
        self._file = file
        self._source_directory = source_directory
        self._target = target_name(name or file, compute_target)
        if self._target == "local":
            raise ValueError("`local` is no compute target of a SynapseSparkStep; name another")
        self._spark = {
            "driver_memory": driver_memory,
            "driver_cores": _count("driver_cores", driver_cores),
            "executor_memory": executor_memory,
            "executor_cores": _count("executor_cores", executor_cores),
            "num_executors": _count("num_executors", num_executors),
            **_merged(conf or {}, {"py_files": py_files, "jars": jars, "files": files}),
        }
        _check_data(name or file, inputs or [], outputs or [])
        self._app_name = app_name
        self._environment = environment
        self._allow_reuse = allow_reuse
        self._version = version
        super().__init__(name or file, inputs, outputs, arguments)
        self._parameters = gathered(self._implicit_parameters)

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Raises:
            ValueError: The script or the source directory does not exist.
        """
        folder = self.get_source_directory(context, self._source_directory, self._file)
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        arguments = self.resolve_input_arguments(self._arguments, inputs, outputs, self._parameters)
        definition = self.create_module_def(
            "synapsespark",
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
        run_config = _run_config(self._environment)
        node = graph.add_module_node(
            self.name,
            inputs,
            outputs,
            self._parameters,
            module_builder=ModuleBuilder(definition, folder),
            runconfig=run_config,
        )
        node._work = SparkWork(
            kind="script",
            path=self._file,
            target=self._target,
            name=self.name,
            style="synapse",
            arguments=arguments,
            parameters={},
            source_directory=folder,
            default_directory=folder,
            run_config=run_config,
            spark={**self._spark, "app_name": self._app_name or self.name},
            cluster={},
            libraries=[],
            timeout_seconds=None,
        )
        return node


def _run_config(environment: Any) -> Any:
    """A run configuration with the environment; `None` for the submitting interpreter."""
    if environment is None:
        return None
    from azureml.core.runconfig import RunConfiguration

    run_config = RunConfiguration()
    run_config.environment = environment
    return run_config


def _merged(conf: Mapping[str, Any], files: Mapping[str, Any]) -> Dict[str, Any]:
    """The properties and the files; a property that is a list goes before the step's files."""
    properties = {str(name): str(value) for name, value in conf.items()}
    made: Dict[str, Any] = {name: list(given or []) for name, given in files.items()}
    for name, option in LISTS.items():
        if name in properties:
            made[option] = [each for each in properties.pop(name).split(",") if each] + made[option]
    for name in (
        "spark.driver.memory",
        "spark.driver.cores",
        "spark.executor.memory",
        "spark.executor.cores",
        "spark.executor.instances",
    ):
        if name in properties:
            raise ValueError(
                f"conf sets `{name}`, which the step has an argument for; leave it out of conf"
            )
    return {**made, "conf": properties}


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}; pass a whole number from 1 on")
    return value


def _check_data(step: str, inputs: List[Any], outputs: List[Any]) -> None:
    for each in inputs:
        if not is_a(each, "DatasetConsumptionConfig") or each.mode not in INPUT_MODES:
            raise ValueError(
                f"an input of step `{step}` is a {type(each).__name__}{_mode(each)}; pass "
                "a dataset with `as_named_input(…)`, direct "
                "or `.as_hdfs()`"
            )
    for each in outputs:
        if not is_a(each, "HDFSOutputDatasetConfig"):
            raise ValueError(
                f"an output of step `{step}` is a {type(each).__name__}; pass an "
                "HDFSOutputDatasetConfig"
            )


def _mode(value: Any) -> str:
    mode = getattr(value, "mode", None)
    return f" in the mode `{mode}`" if mode else ""
