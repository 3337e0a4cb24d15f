"""`AdlaStep`: a step that runs a U-SQL script, once of Azure Data Lake Analytics.

The script runs on this machine, by the program `stepwell-usql`. In its text `@@name@@` stands for
the place of the input or output of that name, or for a value of `params`.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, List, Mapping, Optional

from azureml.pipeline.core._adla_work import AdlaWork
from azureml.pipeline.core._data_kinds import is_a
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep

PRIORITY_DEFAULT: int = 1000


class _AdlaStepBase(PipelineStep):
    """A step that runs a U-SQL script."""

    def __init__(
        self,
        script_name: Optional[str] = None,
        name: Optional[str] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        degree_of_parallelism: Optional[int] = None,
        priority: Optional[int] = None,
        runtime_version: Optional[str] = None,
        compute_target: Any = None,
        source_directory: Optional[str] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
    ) -> None:
        """A step that runs `script_name`."""
        if not script_name or not isinstance(script_name, str):
            raise ValueError("script_name is required; pass the name of a U-SQL script")
        if compute_target is None:
            raise ValueError("compute_target is required; pass a name or an AdlaCompute")
        if hash_paths:
            warnings.warn(
                "hash_paths has no effect: all files of the source directory count", stacklevel=3
            )
        self._script_name = script_name
        self._params = dict(params or {})
        self._degree_of_parallelism = _at_least_one(degree_of_parallelism)
        self._priority = PRIORITY_DEFAULT if priority is None else priority
        self._runtime_version = runtime_version
        self._compute_target = compute_target
        self._source_directory = source_directory
        self._allow_reuse = allow_reuse
        self._version = version
        super().__init__(name or script_name, inputs, outputs, None, True)

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Raises:
            ValueError: The script, the source directory or the compute target will not do.
        """
        folder = self.get_source_directory(context, self._source_directory, self._script_name)
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        definition = self.create_module_def(
            "adlcloud",
            inputs,
            outputs,
            [ParamDef(name, _default_of(value)) for name, value in self._params.items()],
            allow_reuse=self._allow_reuse,
            version=self._version,
        )
        node = graph.add_module_node(
            self.name,
            inputs,
            outputs,
            self._params,
            module_builder=ModuleBuilder(definition, folder),
        )
        node._work = AdlaWork(
            os.path.normpath(self._script_name).replace(os.sep, "/"),
            folder,
            self._params,
            self._degree_of_parallelism,
            self._target_name(),
        )
        return node

    def _target_name(self) -> str:
        target = self._compute_target
        if isinstance(target, str):
            return target
        if is_a(target, "AdlaCompute") or is_a(target, "RemoteTarget"):
            return str(target.name)
        raise ValueError(
            f"step `{self.name}` needs an AdlaCompute or the name of a compute target, not "
            f"a {type(target).__name__}"
        )


class AdlaStep(_AdlaStepBase):
    """A step that runs a U-SQL script.

    Example:
        >>> log = DataReference(datastore, "log", "log")
        >>> counts = PipelineData("counts", datastore=datastore)
        >>> step = AdlaStep(
        ...     script_name="count.usql",
        ...     source_directory="src",
        ...     inputs=[log],
        ...     outputs=[counts],
        ...     params={"region": "en-us"},
        ...     compute_target="adla",
        ... )
    """

    def __init__(
        self,
        script_name: str,
        name: Optional[str] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        degree_of_parallelism: Optional[int] = None,
        priority: Optional[int] = None,
        runtime_version: Optional[str] = None,
        compute_target: Any = None,
        source_directory: Optional[str] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
    ) -> None:
        """A step that runs `script_name`.

        Args:
            script_name: The script, relative to the source directory.
            name: The step's name; that of the script when `None`.
            inputs: What it reads; `@@name@@` in the script is the place of each.
            outputs: What it writes, likewise.
            params: Values of `@@name@@` in the script.
            degree_of_parallelism: How many cores it uses; a negative number counts as 1.
            priority: Accepted; steps of a run start in the order that they can.
            runtime_version: Accepted; there is one runtime.
            compute_target: An `AdlaCompute`, or a name.
            source_directory: The folder of the script.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            version: The user's own mark of the step's version.
            hash_paths: Without effect.

        Raises:
            ValueError: The script's name or the compute target is missing.
        """
        super().__init__(
            script_name=script_name,
            name=name,
            inputs=inputs,
            outputs=outputs,
            params=params,
            degree_of_parallelism=degree_of_parallelism,
            priority=priority,
            runtime_version=runtime_version,
            compute_target=compute_target,
            source_directory=source_directory,
            allow_reuse=allow_reuse,
            version=version,
            hash_paths=hash_paths,
        )


def _at_least_one(cores: Optional[int]) -> Optional[int]:
    return None if cores is None else max(1, int(cores))


def _default_of(value: Any) -> Any:
    return value.default_value if isinstance(value, PipelineParameter) else value
