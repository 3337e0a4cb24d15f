"""Steps that start a program: a Python script, or a command.

The step checks at construction what can be checked without looking at files, and the rest when
a pipeline is built of it. What the program is comes from the kind of step.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, Dict, List, Mapping, Optional, Tuple

from azureml.pipeline.core._data_kinds import is_a
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._parameter import PipelineParameter, gathered
from azureml.pipeline.core._program_work import ProgramWork
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep
from stepwell._windows_paths import here

RUN_CONFIG_PARAMETERS = (
    "NodeCount",
    "MpiProcessCountPerNode",
    "TensorflowWorkerCount",
    "TensorflowParameterServerCount",
)
# Compute targets of the kinds of step that have their own.
OTHER_COMPUTES = (
    "AdlaCompute",
    "AksCompute",
    "BatchCompute",
    "DatabricksCompute",
    "DataFactoryCompute",
    "KustoCompute",
)


class _PythonScriptStepBase(PipelineStep):
    """What steps that start a program have in common."""

    def __init__(
        self,
        script_name: Optional[str] = None,
        name: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        compute_target: Any = None,
        runconfig: Any = None,
        runconfig_pipeline_params: Optional[Mapping[str, PipelineParameter]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        source_directory: Optional[str] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
        command: Optional[str] = None,
    ) -> None:
        """A step that starts `script_name`, or `command` when there is no script."""
        if hash_paths:
            warnings.warn(
                "hash_paths has no effect: all files of the source directory count", stacklevel=3
            )
        self._script_name = script_name
        self._command = command
        self._compute_target = compute_target
        self._runconfig = runconfig
        self._source_directory = source_directory
        self._allow_reuse = allow_reuse
        self._version = version
        self._params = dict(params or {})
        super().__init__(name or script_name or str(command), inputs, outputs, arguments, True)
        _check_training_outputs(self)
        self._runconfig_params = _run_config_parameters(
            runconfig_pipeline_params or {}, self._params
        )
        self._parameters = _all_parameters(self._params, self._implicit_parameters)

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Raises:
            ValueError: The script, the source directory or the compute target will not do.
        """
        _check_run_config_names(self._runconfig_params)
        folder = self.get_source_directory(context, self._source_directory, self._script_name)
        self._script_name = here(self._script_name, folder)
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        arguments = self.resolve_input_arguments(
            self._command_line(), inputs, outputs, self._parameters
        )
        definition = self.create_module_def(
            "escloud",
            inputs,
            outputs,
            [
                ParamDef(name, _default_of(value), set_env_var=True)
                for name, value in self._parameters.items()
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
        graph._add_parameters(self._runconfig_params.values())
        node._work = ProgramWork(
            self._program(),
            arguments,
            folder,
            self._runconfig,
            self._target_name(),
            run_config_parameters=self._runconfig_params,
        )
        return node

    def _command_line(self) -> List[Any]:
        """What follows the program: texts, tokens, data."""
        return self._arguments

    def _program(self) -> Dict[str, str]:
        """What is started, as the server takes it."""
        if self._script_name is None:
            return {"command": str(self._command)}
        return {"script": os.path.normpath(self._script_name).replace(os.sep, "/")}

    def _target_name(self) -> str:
        """The name of the compute target."""
        target = self._compute_target
        if target is None:
            given = getattr(self._runconfig, "target", None)
            return str(getattr(given, "name", given) or "local")
        if isinstance(target, tuple):
            return _target_of_pair(target)
        if isinstance(target, str):
            if target == "local":
                raise ValueError(
                    "`local` is no compute target for steps of a pipeline; leave compute_target "
                    f"out of step `{self.name}` to run it on this machine"
                )
            return target
        if any(is_a(target, kind) for kind in OTHER_COMPUTES):
            raise ValueError(
                f"step `{self.name}` cannot run on `{target.name}`: a "
                f"{type(target).__name__} starts no programs of one's own"
            )
        if not isinstance(getattr(target, "name", None), str):
            raise ValueError(
                f"the compute target of step `{self.name}` is a {type(target).__name__}; "
                "pass a name or a compute target"
            )
        return str(target.name)


def _target_of_pair(pair: Tuple[Any, ...]) -> str:
    if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
        raise ValueError("a compute target given as a tuple is (name, type), both of type str")
    return str(pair[0])


def _all_parameters(params: Mapping[str, Any], implicit: List[PipelineParameter]) -> Dict[str, Any]:
    """The parameters of a step by name: those it lists, then those only its arguments name."""
    gathered(
        [*(each for each in params.values() if isinstance(each, PipelineParameter)), *implicit]
    )
    parameters = dict(params)
    for parameter in implicit:
        if parameter.name in params:
            raise Exception(
                f"the parameter name `{parameter.name}` is already in use: it stands in "
                "the params and in the "
                "arguments of the step"
            )
        parameters[parameter.name] = parameter
    return parameters


def _run_config_parameters(
    given: Mapping[str, Any], params: Mapping[str, Any]
) -> Dict[str, PipelineParameter]:
    for name, value in given.items():
        if not isinstance(value, PipelineParameter):
            raise ValueError(
                f"`{name}` of runconfig_pipeline_params is a {type(value).__name__}; pass "
                "a PipelineParameter"
            )
        if name in params:
            raise ValueError(
                f"`{name}` stands in params and in runconfig_pipeline_params; keep one"
            )
    return dict(given)


def _check_run_config_names(given: Mapping[str, PipelineParameter]) -> None:
    for name in given:
        if name not in RUN_CONFIG_PARAMETERS:
            raise ValueError(
                "`{}` of a run configuration cannot be a parameter; these can: {}".format(
                    name, ", ".join(RUN_CONFIG_PARAMETERS)
                )
            )


def _check_training_outputs(step: _PythonScriptStepBase) -> None:
    for output in step._outputs:
        if output.training_output is not None:
            raise ValueError(
                f"output `{output.name}` of step `{step.name}` is an output of training, "
                "which only AutoML and "
                "hyperparameter steps have"
            )


def _default_of(value: Any) -> Any:
    return value.default_value if isinstance(value, PipelineParameter) else value


def checked_run_config(value: Any) -> Any:
    """`value`, if it is a run configuration or nothing."""
    if value is None or is_a(value, "RunConfiguration"):
        return value
    raise ValueError(f"runconfig is a {type(value).__name__}; pass a RunConfiguration")
