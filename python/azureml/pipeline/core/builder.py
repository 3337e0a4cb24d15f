"""The parts a pipeline is built of: steps, sequences of steps, and the data between them.

`PipelineStep` is the base of all kinds of step. It brings what a program passes to one form and
leaves to each kind what is done when the step runs.
"""

from __future__ import annotations

import glob
import os
from typing import Any, Iterable, Iterator, List, Optional, Tuple

from azureml._suggest import did_you_mean
from azureml.data._written import objects_in
from azureml.pipeline.core._arguments import Token
from azureml.pipeline.core._bindings import InputPortBinding, OutputPortBinding
from azureml.pipeline.core._definitions import (
    InputPortDef,
    ModuleDef,
    OutputPortDef,
)
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._origins import set_producer
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._pipeline_data import PipelineData
from azureml.pipeline.core._step_data import StepData, input_binding
from stepwell._windows_paths import here

__all__ = ["PipelineData", "PipelineStep", "StepSequence"]


class PipelineStep(object):
    """A step of a pipeline.

    To make a kind of your own, derive from this class and give it `create_node`.
    """

    def __init__(
        self,
        name: str,
        inputs: Optional[List[Any]],
        outputs: Optional[List[Any]],
        arguments: Optional[List[Any]] = None,
        fix_port_name_collisions: bool = False,
        resource_inputs: Optional[List[Any]] = None,
    ) -> None:
        """A step with its data.

        Args:
            name: The step's name; several steps may share one.
            inputs: What it reads.
            outputs: What it writes.
            arguments: The command line, one token each; data objects and parameters stand for
                their places and values.
            fix_port_name_collisions: Whether an input named as an output is renamed.
            resource_inputs: Inputs whose data lies beside the script.
        """
        for what, given in (("inputs", inputs), ("outputs", outputs), ("arguments", arguments)):
            _check_list(name, what, given)
        self.name = name
        self.run_after_steps: List[PipelineStep] = []
        self.step_type: str = _step_type(type(self).__name__)
        data = StepData(_with_resources(inputs or [], resource_inputs or []), outputs or [])
        data.gather(arguments or [])
        if fix_port_name_collisions:
            data.rename_collisions()
        data.check_names()
        self._arguments = [_known_token(data, value, name) for value in arguments or []]
        self._inputs = data.inputs
        self._outputs = data.outputs
        self._implicit_parameters = _implicit_parameters(arguments or [])
        for output in data.outputs:
            set_producer(output, self)

    def run_after(self, step: PipelineStep) -> None:
        """Let this step wait until another has succeeded.

        Args:
            step: The step that comes first.
        """
        self.run_after_steps.append(step)

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node; every kind of step has its own way."""
        raise NotImplementedError(
            f"{type(self).__name__} has no create_node, so it cannot be part of a pipeline"
        )

    # Helpers for kinds of step.

    @staticmethod
    def validate_arguments(
        arguments: Optional[List[Any]], inputs: List[Any], outputs: List[Any]
    ) -> None:
        """Refuse data that stands in the arguments but not in the inputs or outputs.

        Args:
            arguments: The command line.
            inputs: What the step reads.
            outputs: What it writes.

        Raises:
            ValueError: There is such data; the text names it.
        """
        data = StepData(inputs, outputs)
        for value in arguments or []:
            data.token(value)

    @staticmethod
    def resolve_input_arguments(
        arguments: Optional[List[Any]], inputs: List[Any], outputs: List[Any], params: Any
    ) -> List[Token]:
        """The arguments as tokens that name ports and parameters.

        Args:
            arguments: The command line.
            inputs: What the step reads.
            outputs: What it writes.
            params: The step's parameters by name, for arguments such as `parameter:rate`.

        Returns:
            The tokens, one for each argument.
        """
        data = StepData(inputs, outputs)
        data.gather(value for value in arguments or [] if not isinstance(value, Token))
        return [data.token(value, params) for value in arguments or []]

    def create_module_def(
        self,
        execution_type: Optional[str],
        input_bindings: List[InputPortBinding],
        output_bindings: List[OutputPortBinding],
        param_defs: Optional[List[ParamDef]] = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        module_type: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        runconfig: Any = None,
        cloud_settings: Any = None,
    ) -> ModuleDef:
        """The definition of this step's node.

        Args:
            execution_type: The kind of work, in v1's words, such as `escloud`.
            input_bindings: The bindings of the inputs.
            output_bindings: The bindings of the outputs.
            param_defs: The parameters.
            create_sequencing_ports: Whether it gets ports for `run_after`.
            allow_reuse: Whether it may reuse the outputs of an identical earlier step.
            version: The user's own mark of the step's version.
            module_type: The kind of module, in v1's words.
            arguments: The command line, one token each.
            runconfig: How it runs.
            cloud_settings: Kept.

        Returns:
            The definition, of which a graph makes a node.
        """
        return ModuleDef(
            self.name,
            input_port_defs=[_input_def(binding) for binding in input_bindings],
            output_port_defs=[_output_def(binding) for binding in output_bindings],
            param_defs=param_defs,
            module_execution_type=execution_type,
            create_sequencing_ports=create_sequencing_ports,
            allow_reuse=allow_reuse,
            version=version,
            module_type=module_type,
            step_type=self.step_type,
            arguments=arguments,
            runconfig=runconfig,
            cloud_settings=cloud_settings,
        )

    def create_input_output_bindings(
        self,
        inputs: List[Any],
        outputs: List[Any],
        default_datastore: Any,
        resource_inputs: Optional[List[Any]] = None,
    ) -> Tuple[List[InputPortBinding], List[OutputPortBinding]]:
        """The bindings of the step's ports; outputs without a datastore get the default.

        Args:
            inputs: What the step reads.
            outputs: What it writes.
            default_datastore: The datastore of outputs that name none.
            resource_inputs: Inputs whose data lies beside the script.

        Returns:
            The bindings of the inputs, and those of the outputs.

        Raises:
            ValueError: An output has no datastore, and there is no default one.
        """
        data = StepData(_with_resources(inputs, resource_inputs or []), outputs)
        for output in data.outputs:
            if output.datastore is None:
                if default_datastore is None:
                    raise ValueError(
                        f"output `{output.name}` of step `{self.name}` has no datastore, "
                        "and there is no default "
                        "one"
                    )
                output.datastore = default_datastore
        return data.inputs, data.outputs

    def get_source_directory(
        self, context: Any, source_directory: Optional[str], script_name: Optional[str]
    ) -> str:
        """The folder of the step's files; it must exist and hold the script.

        Args:
            context: The context of the graph, with its default folder.
            source_directory: The folder; the default one when `None`.
            script_name: The script, relative to the folder; `None` for none.

        Returns:
            The absolute path.

        Raises:
            ValueError: It does not; the text holds the absolute path that was looked for.
        """
        folder: str = os.path.abspath(here(source_directory) or context.default_source_directory)
        if not os.path.isdir(folder):
            raise ValueError(f"the source directory of step `{self.name}` does not exist: {folder}")
        if script_name is not None:
            script = os.path.normpath(os.path.join(folder, here(script_name, folder)))
            if not os.path.isfile(script):
                raise ValueError(
                    f"the script of step `{self.name}` does not exist: "
                    f"{script}{did_you_mean(script_name, _scripts_below(folder))}"
                )
            if not script.startswith(os.path.join(folder, "")):
                raise ValueError(
                    f"the script of step `{self.name}` is not inside its source directory "
                    f"{folder}: {script}"
                )
        return folder

    def __str__(self) -> str:
        """The kind and the name."""
        return f"{self.step_type}({self.name})"


class StepSequence(object):
    """Steps, or lists of steps, that run one group after the other."""

    def __init__(self, steps: Optional[Iterable[Any]] = None) -> None:
        """A sequence.

        Args:
            steps: Its groups: steps, lists of steps that run side by side, other sequences.
        """
        self._steps = list(steps or [])

    def __iter__(self) -> Iterator[Any]:
        """Its groups in order."""
        return iter(self._steps)


def _step_type(class_name: str) -> str:
    name = class_name[1:] if class_name.startswith("_") else class_name
    return name[: -len("Base")] if name.endswith("Base") else name


def _with_resources(inputs: List[Any], resource_inputs: List[Any]) -> List[Any]:
    """All inputs; those whose data lies beside the script are marked."""
    return [*inputs, *(input_binding(each).as_resource() for each in resource_inputs)]


def _scripts_below(folder: str) -> List[str]:
    """The Python files of a folder and of those directly in it, for a suggestion."""
    patterns = ("*.py", os.path.join("*", "*.py"))
    found = [each for one in patterns for each in glob.glob(os.path.join(glob.escape(folder), one))]
    return [os.path.relpath(each, folder).replace(os.sep, "/") for each in found]


def _check_list(step: str, what: str, given: Any) -> None:
    """Refuse what is meant as one element of a list; of a text Python would take the letters.

    Raises:
        TypeError: It is a text, or cannot be gone through.
    """
    if given is None or (not isinstance(given, (str, bytes)) and hasattr(given, "__iter__")):
        return
    shown = repr(given) if isinstance(given, (str, bytes)) else "a " + type(given).__name__
    parts = given.split() if isinstance(given, str) and what == "arguments" else None
    instead = f"{what}={parts!r}" if parts else f"{what}=[...]"
    raise TypeError(f"the {what} of step `{step}` are {shown}, which is no list; write {instead}")


def _known_token(data: StepData, value: Any, step: str) -> Any:
    """The token for everything but text, which may name parameters that come later."""
    return value if isinstance(value, str) else data.token(value, step=step)


def _implicit_parameters(arguments: Iterable[Any]) -> List[PipelineParameter]:
    """The pipeline parameters among the arguments, and those written into texts among them."""
    found: List[Any] = []
    for value in arguments:
        found.extend(objects_in(value) if isinstance(value, str) else [value])
    return [value for value in found if isinstance(value, PipelineParameter)]


def _input_def(binding: InputPortBinding) -> InputPortDef:
    data_type = binding.data_type
    return InputPortDef(
        binding.name,
        data_types=[data_type] if data_type else None,
        default_datastore_mode=binding.bind_mode,
        default_path_on_compute=binding.path_on_compute,
        default_overwrite=binding.overwrite,
        default_data_reference_name=binding.data_reference_name,
        is_resource=binding.is_resource,
        additional_transformations=binding.additional_transformations,
    )


def _output_def(binding: OutputPortBinding) -> OutputPortDef:
    return OutputPortDef(
        binding.name,
        default_datastore_name=getattr(binding.datastore, "name", binding.datastore),
        default_datastore_mode=binding.bind_mode,
        default_path_on_compute=binding.path_on_compute,
        is_directory=binding.is_directory,
        data_type=binding.data_type,
        default_overwrite=binding.overwrite,
        training_output=binding.training_output,
    )
