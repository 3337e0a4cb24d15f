"""Steps that are made of a published module: `ModuleStep` without its public name.

The version says what is done; the step says which data its ports are joined with. The version is
chosen when the pipeline is built.
"""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Optional

from azureml._not_yet import not_yet
from azureml.pipeline.core import _arguments as tokens
from azureml.pipeline.core import _module_definition as definitions
from azureml.pipeline.core._bindings import InputPortBinding, OutputPortBinding
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._program_work import ProgramWork
from azureml.pipeline.core._python_script_step_base import checked_run_config
from azureml.pipeline.core._step_data import StepData, input_binding, output_binding
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep


class ModuleStepBase(PipelineStep):
    """What `ModuleStep` is made of."""

    def __init__(
        self,
        module: Any = None,
        version: Optional[str] = None,
        module_version: Any = None,
        inputs_map: Optional[Mapping[str, Any]] = None,
        outputs_map: Optional[Mapping[str, Any]] = None,
        compute_target: Any = None,
        runconfig: Any = None,
        runconfig_pipeline_params: Optional[Mapping[str, PipelineParameter]] = None,
        arguments: Optional[List[Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        name: Optional[str] = None,
        _workflow_provider: Any = None,
    ) -> None:
        """Check and keep; see `ModuleStep`."""
        if module is None and module_version is None:
            raise ValueError("a ModuleStep needs a module or a module_version; both are missing")
        if module is not None and module_version is not None:
            raise ValueError("a ModuleStep takes a module or a module_version; both were given")
        self._module = module
        self._version_wanted = version
        self._module_version = module_version
        self._compute_target = compute_target
        self._runconfig = checked_run_config(runconfig)
        self._runconfig_params = dict(runconfig_pipeline_params or {})
        self._params = dict(params or {})
        self._own_arguments = arguments
        self._replaced: List[Any] = []
        inputs = [self._input(port, data) for port, data in (inputs_map or {}).items()]
        outputs = [self._output(port, data) for port, data in (outputs_map or {}).items()]
        super().__init__(
            name or (module.name if module is not None else module_version.module().name),
            inputs,
            outputs,
        )

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Raises:
            ValueError: The maps name a port that the version has not, or miss one.
        """
        version = self._module_version or self._module.resolve(self._version_wanted)
        made = version._record["definition"]
        if made["execution_type"] != "escloud":
            not_yet(
                "version {} of the module of step `{}` is of kind {}; a step can be made of "
                "Python scripts only".format(version.version, self.name, made["execution_type"])
            )
        interface = definitions.interface(made)
        self._check_ports("inputs_map", self._inputs, interface.inputs)
        self._check_ports("outputs_map", self._outputs, interface.outputs)
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        params = self._parameters(interface.params)
        arguments = self._arguments_of(made, inputs, outputs, params)
        definition = self.create_module_def(
            made["execution_type"],
            inputs,
            outputs,
            [
                ParamDef(
                    each.name,
                    each.default_value,
                    set_env_var=each.set_env_var,
                    env_var_override=each.env_var_override,
                )
                for each in interface.params
            ],
            version=version.version,
            arguments=arguments,
        )
        node = graph.add_module_node(
            self.name,
            inputs,
            outputs,
            params,
            module_builder=ModuleBuilder(definition),
            runconfig=self._runconfig,
        )
        graph._add_parameters(self._runconfig_params.values())
        run_config = self._runconfig or version.runconfig
        node._work = ProgramWork(
            {"script": made["script"]},
            arguments,
            None,
            run_config,
            self._target(run_config, made),
            run_config_parameters=self._runconfig_params,
            digest=made["snapshot"],
        )
        return node

    def _input(self, port: str, data: Any) -> InputPortBinding:
        """The port of the module that reads `data`, which keeps its own name elsewhere."""
        binding = copy.copy(input_binding(data))
        if binding.path_on_compute and binding.bind_mode == "mount":
            # The files must lie where the version expects them.
            binding.bind_mode = "download"
        binding.name = port
        self._replaced.append((data, tokens.InputToken(port)))
        return binding

    def _output(self, port: str, data: Any) -> OutputPortBinding:
        binding = output_binding(data)
        made = copy.copy(binding)
        made._name = port
        # What reads `data` finds this port by it.
        made._source = binding._source
        self._replaced.append((data, tokens.OutputToken(port)))
        return made

    def _check_ports(self, argument: str, given: List[Any], known: List[Any]) -> None:
        names = {each.name: bool(getattr(each, "is_optional", False)) for each in known}
        joined = [each.name for each in given]
        unknown = [name for name in joined if name not in names]
        missing = [name for name, optional in names.items() if not optional and name not in joined]
        if argument == "outputs_map":
            missing = []
        if unknown or missing:
            raise ValueError(
                "{} of step `{}` {} `{}`; the ports of the module are {}".format(
                    argument,
                    self.name,
                    "names" if unknown else "misses",
                    "`, `".join(unknown or missing),
                    ", ".join(f"`{name}`" for name in names) or "none",
                )
            )

    def _parameters(self, known: List[ParamDef]) -> Dict[str, Any]:
        """The values of the version's parameters: those given, else their defaults.

        A pipeline parameter among the arguments is the value of the parameter of its name.
        """
        names = [each.name for each in known]
        given: Dict[str, Any] = {
            each.name: each
            for each in self._own_arguments or []
            if isinstance(each, PipelineParameter)
        }
        given.update(self._params)
        unknown = [name for name in self._params if name not in names]
        if unknown:
            raise ValueError(
                "params of step `{}` names `{}`; the parameters of the module are {}".format(
                    self.name,
                    "`, `".join(unknown),
                    ", ".join(f"`{name}`" for name in names) or "none",
                )
            )
        return {each.name: given.get(each.name, each.default_value) for each in known}

    def _arguments_of(
        self,
        made: Mapping[str, Any],
        inputs: List[Any],
        outputs: List[Any],
        params: Mapping[str, Any],
    ) -> List[tokens.Token]:
        if self._own_arguments is None:
            return [_token(each) for each in made["arguments"]]
        data = StepData(inputs, outputs)
        return [self._own_token(data, each, params) for each in self._own_arguments]

    def _own_token(self, data: StepData, value: Any, params: Mapping[str, Any]) -> tokens.Token:
        for known, token in self._replaced:
            if known is value:
                return token  # type: ignore[no-any-return]
        return data.token(value, params)

    def _target(self, run_config: Any, made: Mapping[str, Any]) -> str:
        target = self._compute_target
        if target is None:
            target = getattr(run_config, "target", None) or made.get("target") or "local"
        return str(getattr(target, "name", target))


def _token(argument: Mapping[str, str]) -> tokens.Token:
    ((kind, text),) = argument.items()
    kinds = {
        "input": tokens.InputToken,
        "output": tokens.OutputToken,
        "param": tokens.ParameterToken,
        "literal": tokens.TextToken,
    }
    return kinds[kind](text)
