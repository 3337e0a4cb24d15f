"""What a step reads and writes, and the arguments that name it.

v1 lets a program say the same thing in several ways: data may stand in `inputs`, in `outputs`
or only in `arguments`, bare or bound. `StepData` brings all ways to one: a list of input
bindings, a list of output bindings, and tokens that name them.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Tuple

from azureml.data import _written
from azureml.pipeline.core import _arguments as tokens
from azureml.pipeline.core._bindings import InputPortBinding, OutputPortBinding
from azureml.pipeline.core._data_kinds import (
    CONSUMPTION,
    DATA_REFERENCE,
    DATASET,
    OUTPUT_CONFIG,
    OUTPUT_TABLE,
    is_a,
)
from azureml.pipeline.core._names import is_port_name
from azureml.pipeline.core._origins import is_promoted, origin_of
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._pipeline_data import PipelineData
from azureml.pipeline.core._references import text_token
from azureml.pipeline.core._sources import data_path_binding, is_data_path_pair

PARAMETER_PREFIX = "parameter:"


class StepData(object):
    """The inputs, outputs and arguments of a step, brought to one form."""

    def __init__(self, inputs: Iterable[Any], outputs: Iterable[Any]) -> None:
        """Bind what a program passed as `inputs` and `outputs`."""
        self.inputs: List[InputPortBinding] = []
        self.outputs: List[OutputPortBinding] = []
        # Every object is kept with its entry, so that no other one can get its id.
        self._inputs_by_id: Dict[int, Tuple[Any, InputPortBinding]] = {}
        self._inputs_by_meaning: Dict[Tuple[Any, ...], InputPortBinding] = {}
        self._outputs_by_origin: Dict[int, OutputPortBinding] = {}
        for value in inputs:
            self._add_input(value)
        for value in outputs:
            self._add_output(value)

    def _add_input(self, value: Any) -> None:
        binding = input_binding(value)
        self.inputs.append(binding)
        for each in (value, binding, binding.bind_object):
            self._inputs_by_id.setdefault(id(each), (each, binding))
        meaning = _meaning(value)
        if meaning is not None:
            self._inputs_by_meaning.setdefault(meaning, binding)

    def _add_output(self, value: Any) -> None:
        binding = output_binding(value)
        self.outputs.append(binding)
        self._outputs_by_origin.setdefault(id(origin_of(binding)), binding)

    # Data that only the arguments name.

    def gather(self, arguments: Iterable[Any]) -> None:
        """Make inputs and outputs of the data that only the arguments name."""
        for value in _with_written(arguments):
            if is_a(value, DATASET):
                raise ValueError(_bare_dataset("an argument"))
            if is_a(value, OUTPUT_CONFIG):
                if not self._input_for(value) and not self._output_for(value):
                    self._add_output(value)
            elif is_a(value, CONSUMPTION):
                if not self._input_for(value):
                    self._add_input(value)
            elif is_promoted(value):
                if not self._output_for(value) and not self._input_for(value):
                    self._add_input(value)

    # Arguments.

    def token(self, value: Any, params: Any = None, step: str = "") -> tokens.Token:
        """The token that an element of the arguments stands for; `step` names it in errors."""
        if isinstance(value, tokens.Token):
            return value
        if isinstance(value, PipelineParameter):
            return tokens.ParameterToken(value.name)
        if isinstance(value, str):
            return self._text_token(value, params or {})
        if not _is_data(value):
            return tokens.TextToken(str(value))
        return self._data_token(value, step)

    def _data_token(self, value: Any, step: str) -> tokens.Token:
        if is_promoted(value) and self._output_for(value):
            return _output_token(self._output_for(value))
        binding = self._input_for(value)
        if binding is not None:
            consumed = is_promoted(value) or is_a(value, OUTPUT_CONFIG) or is_a(value, CONSUMPTION)
            kind = tokens.DatasetInputToken if consumed else tokens.InputToken
            return kind(binding.name)
        output = self._output_for(value)
        if output is not None:
            return _output_token(output)
        raise ValueError(
            "`{}` stands among the arguments but neither in the inputs nor in the outputs of {}; "
            "add it to one of them".format(
                getattr(value, "name", getattr(value, "data_reference_name", value)),
                f"step `{step}`" if step else "the step",
            )
        )

    def _text_token(self, text: str, params: Any) -> tokens.Token:
        if text.startswith(PARAMETER_PREFIX) and text[len(PARAMETER_PREFIX) :] in params:
            return tokens.ParameterToken(text[len(PARAMETER_PREFIX) :])
        return text_token(text, self._by_reference(), params)

    def _by_reference(self) -> Dict[str, tokens.Token]:
        """The tokens of all ports by every text that stands for one; a port's own name comes first,
        and an input before an output."""
        own: Dict[str, tokens.Token] = {}
        other: Dict[str, tokens.Token] = {}
        for binding in self.inputs:
            own.setdefault(str(binding), tokens.InputToken(binding.name))
            for text in _references(binding.bind_object):
                kind = tokens.InputToken if text.startswith("$") else tokens.DatasetInputToken
                other.setdefault(text, kind(binding.name))
        for output in self.outputs:
            own.setdefault(str(output), _output_token(output))
            for text in _references(output._source):
                other.setdefault(text, _output_token(output))
        return {**other, **own}

    def _input_for(self, value: Any) -> Optional[InputPortBinding]:
        known = self._inputs_by_id.get(id(value))
        if known is not None:
            return known[1]
        meaning = _meaning(value)
        return None if meaning is None else self._inputs_by_meaning.get(meaning)

    def _output_for(self, value: Any) -> Optional[OutputPortBinding]:
        if is_a(value, CONSUMPTION) or isinstance(value, InputPortBinding):
            return None
        return self._outputs_by_origin.get(id(origin_of(value)))

    # Names.

    def rename_collisions(self) -> None:
        """Rename each input that is named as an output is; arguments follow it."""
        names = {binding.name for binding in self.outputs}
        renamed = {}
        for place, binding in enumerate(self.inputs):
            if binding.name in names:
                # A copy, because the program may have given the same binding to other steps.
                other = binding._clone()
                other.name = "INPUT_" + binding.name
                renamed[id(binding)] = self.inputs[place] = other
        for key, (value, binding) in self._inputs_by_id.items():
            self._inputs_by_id[key] = (value, renamed.get(id(binding), binding))
        for meaning, binding in self._inputs_by_meaning.items():
            self._inputs_by_meaning[meaning] = renamed.get(id(binding), binding)

    def check_names(self) -> None:
        """Refuse names that no port can have and names that two ports have."""
        inputs = _checked("input", [binding.name for binding in self.inputs])
        outputs = _checked("output", [binding.name for binding in self.outputs])
        for name in inputs:
            if name in outputs:
                raise ValueError(
                    f"`{name}` names an input and an output of the step; rename one of them"
                )
        self._check_destinations()

    def _check_destinations(self) -> None:
        """Refuse outputs of which the last would replace the files of the others."""
        seen: Dict[Tuple[str, str], str] = {}
        for binding in self.outputs:
            destination = getattr(binding._dataset_output, "destination", None)
            if not isinstance(destination, tuple) or len(destination) < 2 or not destination[1]:
                continue
            path = destination[1].replace("{output-name}", binding.name).strip("/")
            place = (str(getattr(destination[0], "name", destination[0])), path)
            first = seen.setdefault(place, binding.name)
            if first != binding.name:
                raise ValueError(
                    f"outputs `{first}` and `{binding.name}` go to one place, `{path}` on "
                    f"datastore `{place[0]}`; give each a "
                    "destination of its own"
                )


def _with_written(arguments: Iterable[Any]) -> List[Any]:
    """The arguments, and after each text the data that was written into it."""
    found: List[Any] = []
    for value in arguments:
        found.append(value)
        if isinstance(value, str):
            written = _written.objects_in(value)
            found.extend(each for each in written if not isinstance(each, PipelineParameter))
    return found


def _references(value: Any) -> List[str]:
    """The texts that stand for the data of a port, in all its forms."""
    forms = [value, getattr(value, "dataset", None), origin_of(value)]
    return [str(form) for form in forms if form is not None and _is_data(form)]


def input_binding(value: Any) -> InputPortBinding:
    """The input port that an element of `inputs` stands for."""
    if isinstance(value, InputPortBinding):
        return value
    if isinstance(value, PipelineData):
        return InputPortBinding(value.name, value)
    if is_a(value, DATA_REFERENCE):
        return InputPortBinding(
            value.data_reference_name, value, value.mode, value.path_on_compute, value.overwrite
        )
    if is_a(value, OUTPUT_CONFIG):
        return input_binding(value.as_input())
    if is_a(value, CONSUMPTION):
        table = value.dataset if is_a(value.dataset, OUTPUT_TABLE) else None
        return InputPortBinding(
            value.name,
            value,
            value.mode,
            value.path_on_compute,
            additional_transformations=table,
        )
    if is_promoted(value):
        binding: InputPortBinding = value.create_input_binding()
        return binding
    if is_a(value, "PortDataReference"):
        return InputPortBinding(value.name, value)
    if is_data_path_pair(value):
        return data_path_binding(value)
    if is_a(value, DATASET):
        raise ValueError(_bare_dataset("an input"))
    raise ValueError(f"a step cannot read a {type(value)}")


def output_binding(value: Any) -> OutputPortBinding:
    """The output port that an element of `outputs` stands for."""
    if isinstance(value, OutputPortBinding):
        return value
    if isinstance(value, PipelineData):
        return _data_output(value, value)
    if is_promoted(value):
        return _data_output(value._pipeline_data, value)
    if is_a(value, OUTPUT_CONFIG):
        destination = getattr(value, "destination", None)
        binding = OutputPortBinding(
            value.name,
            datastore=destination[0] if isinstance(destination, tuple) else destination,
            bind_mode=value.mode,
            path_on_compute=getattr(value, "source", None),
            is_directory=True,
            dataset_output=value,
        )
        binding._source = value
        return binding
    raise ValueError(f"a step cannot write a {type(value)}")


def _data_output(data: PipelineData, source: Any) -> OutputPortBinding:
    binding = OutputPortBinding(
        data._output_name,
        datastore=data._datastore,
        bind_mode=data._output_mode,
        path_on_compute=data._output_path_on_compute,
        is_directory=data._is_directory,
        overwrite=data._output_overwrite,
        data_type=data._data_type,
        pipeline_output_name=data._pipeline_output_name,
        training_output=data._training_output,
        dataset_registration=getattr(source, "_registration", None),
    )
    binding._source = source
    return binding


def _output_token(output: Any) -> tokens.Token:
    configured = output._dataset_output is not None
    return (tokens.DatasetOutputToken if configured else tokens.OutputToken)(output.name)


def _is_data(value: Any) -> bool:
    return (
        isinstance(value, (PipelineData, InputPortBinding, OutputPortBinding))
        or is_promoted(value)
        or is_data_path_pair(value)
        or any(
            is_a(value, kind)
            for kind in (DATA_REFERENCE, CONSUMPTION, OUTPUT_CONFIG, "PortDataReference")
        )
    )


def _meaning(value: Any) -> Optional[Tuple[Any, ...]]:
    """What different objects that name one input have in common, for kinds that have such."""
    if is_data_path_pair(value):
        return ("path", id(value[0]), id(value[1]))
    if is_a(value, CONSUMPTION):
        return ("consumption", value.name, id(value.dataset))
    if is_a(value, OUTPUT_CONFIG):
        return ("configuration", id(origin_of(value)))
    if is_promoted(value):
        return ("promoted", id(origin_of(value)), value.input_name)
    return None


def _bare_dataset(place: str) -> str:
    return (
        f"a dataset cannot be {place} by itself; give it a name with "
        "`dataset.as_named_input('name')`"
    )


def _checked(kind: str, names: List[str]) -> Dict[str, None]:
    seen: Dict[str, None] = {}
    for name in names:
        if not is_port_name(name):
            raise ValueError(
                f"the {kind} name {name!r} may hold letters, digits and underscores only"
            )
        if name in seen:
            raise ValueError(f"the step has two {kind}s named `{name}`; rename one")
        seen[name] = None
    return seen
