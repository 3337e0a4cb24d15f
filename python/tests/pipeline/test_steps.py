"""What a step accepts, and how it brings inputs, outputs and arguments to one form."""

from __future__ import annotations

import warnings
from typing import Any, Callable, List

import pytest
from fakes import FakeStore

from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import PipelineData, PipelineParameter, PipelineStep, TrainingOutput
from azureml.pipeline.steps import CommandStep, PythonScriptStep


def step(**kwargs: Any) -> PythonScriptStep:
    return PythonScriptStep("s.py", **kwargs)


def tokens(made: PipelineStep, params: Any = None) -> List[Any]:
    resolved = made.resolve_input_arguments(
        getattr(made, "_parts", made._arguments), made._inputs, made._outputs, params or {}
    )
    return [each.wire(params or {}) for each in resolved]


def test_elements_of_the_arguments_become_one_token_each_in_their_order() -> None:
    reads, writes = PipelineData("reads"), PipelineData("writes", output_name="out")
    rate = PipelineParameter("rate", 0.5)
    arguments = ["--from", reads, "--to", writes, 3, None, rate, "parameter:depth", "a b"]
    made = step(arguments=arguments, inputs=[reads], outputs=[writes], params={"depth": 2})
    assert tokens(made, made._parameters) == [
        {"literal": "--from"},
        {"input": "reads"},
        {"literal": "--to"},
        {"output": "out"},
        {"literal": "3"},
        {"literal": "None"},
        {"parameter": "rate"},
        {"literal": "2"},
        {"literal": "a b"},
    ]


def test_data_that_is_read_and_written_stands_for_its_input() -> None:
    both = PipelineData("both", output_name="written")
    made = step(arguments=[both], inputs=[both], outputs=[both])
    assert tokens(made) == [{"input": "both"}]


def test_a_reference_written_as_text_is_the_port_it_names() -> None:
    reads = PipelineData("reads")
    made = CommandStep("cat $AZUREML_DATAREFERENCE_reads", inputs=[reads])
    assert tokens(made) == [{"text": [{"literal": "cat "}, {"input": "reads"}]}]


def test_data_within_other_text_is_filled_in_when_the_step_starts() -> None:
    reads, rate = PipelineData("reads"), PipelineParameter("rate", 0.1)
    output = OutputFileDatasetConfig("out")
    arguments = [f"--from={reads}/a.csv", f"{output}_{rate}", "--to", output.arg_val]
    assert tokens(step(arguments=arguments, inputs=[reads]), {"rate": rate}) == [
        {"text": [{"literal": "--from="}, {"input": "reads"}, {"literal": "/a.csv"}]},
        {"text": [{"output": "out"}, {"literal": "_"}, {"parameter": "rate"}]},
        {"literal": "--to"},
        {"output": "out"},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "--to={}/x".format(PipelineData("elsewhere")),
        "DatasetConsumptionConfig:elsewhere",
        "<azureml.data.Something object at 0x7f00>",
    ],
)
def test_text_that_names_data_the_step_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="elsewhere|object itself"):
        tokens(step(arguments=[text]))


def test_the_parts_of_a_command_are_the_text_of_a_shell() -> None:
    data = PipelineData("made")
    made = CommandStep(["echo a && echo b >", data], outputs=[data])
    assert (made._program(), made.name) == ({"shell": "bash"}, "CommandStep_echo")
    assert tokens(made) == [{"literal": "echo a && echo b >"}, {"output": "made"}]


def test_an_argument_list_is_not_changed() -> None:
    output = OutputFileDatasetConfig("o1")
    arguments, outputs = ["--to", output], []  # type: ignore[var-annotated]
    made = step(arguments=arguments, outputs=outputs)
    assert arguments == ["--to", output] and outputs == []
    assert tokens(made) == [{"literal": "--to"}, {"output": "o1"}]


def test_an_output_configuration_that_is_read_stands_for_its_input() -> None:
    output = OutputFileDatasetConfig("o1")
    reader = step(arguments=[output.as_input("i1")])
    assert tokens(reader) == [{"input": "i1"}]
    assert [each.name for each in reader._inputs] == ["i1"]


def test_every_copy_of_an_output_configuration_knows_the_step_that_writes_it() -> None:
    output = OutputFileDatasetConfig("o1")
    made = step(arguments=[output.as_upload()])
    assert output._origin.producer_step is made


def test_a_promoted_output_is_a_dataset_where_it_is_read_and_a_path_where_it_is_written() -> None:
    data = PipelineData("files").as_dataset()
    writer = step(arguments=[data], outputs=[data])
    reader = step(arguments=[data.as_named_input("mine").as_download()])
    assert tokens(writer) == [{"output": "files"}]
    assert tokens(reader) == [{"input": "mine"}]
    assert reader._inputs[0].bind_mode == "download"


def test_a_data_path_is_known_by_its_pair_in_inputs_and_arguments() -> None:
    path = DataPath(FakeStore(), "raw")
    pair = (PipelineParameter("where", path), DataPathComputeBinding())
    made = step(arguments=["--from", pair], inputs=[pair])
    assert tokens(made) == [{"literal": "--from"}, {"input": "where"}]


def test_an_input_named_as_an_output_is_renamed_in_the_arguments_too() -> None:
    read = PipelineData("earlier")
    write = PipelineData("model")
    bound = read.as_mount("model")
    made = step(arguments=[bound, write], inputs=[bound], outputs=[write])
    assert tokens(made) == [{"input": "INPUT_model"}, {"output": "model"}]
    assert bound.name == "model"


def test_a_kind_of_ones_own_keeps_colliding_names_apart_itself() -> None:
    with pytest.raises(ValueError, match="`a` names an input and an output"):
        PipelineStep("mine", [PipelineData("a")], [PipelineData("a")])


REFUSED = {
    "a bare dataset path pair that is not listed": lambda: step(
        arguments=[(DataPath(FakeStore(), "raw"), DataPathComputeBinding())]
    ),
    "data that is not listed": lambda: step(arguments=[PipelineData("a")]),
    "a text as an input": lambda: step(inputs=["a"]),
    "a reference as an output": lambda: step(outputs=[DataReference(FakeStore(), "a")]),
    "two inputs of one name": lambda: step(
        inputs=[PipelineData("a"), PipelineData("b").as_mount("a")]
    ),
    "a name with a dash": lambda: step(inputs=[PipelineData("a").as_mount("a-b")]),
    "no script": lambda: PythonScriptStep(None),  # type: ignore[arg-type]
    "a script that is no text": lambda: PythonScriptStep(3),  # type: ignore[arg-type]
    "an output of training": lambda: step(
        outputs=[PipelineData("a", training_output=TrainingOutput("Model"))]
    ),
    "a run configuration that is none": lambda: step(runconfig="x"),
    "no command": lambda: CommandStep(),
    "an empty command": lambda: CommandStep([]),
    "a command in no folder": lambda: CommandStep("ls", source_directory="nowhere"),
    "a parameter of the run configuration that is none": lambda: step(
        runconfig_pipeline_params={"NodeCount": 2}
    ),
    "a name in params and runconfig_pipeline_params": lambda: step(
        params={"NodeCount": 1},
        runconfig_pipeline_params={"NodeCount": PipelineParameter("n", 1)},
    ),
    "metrics of one iteration": lambda: TrainingOutput("Metrics", iteration=1),
    "a model by iteration and metric": lambda: TrainingOutput("Model", iteration=1, metric="a"),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_a_step_is_a_value_error(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value)


def test_one_parameter_name_in_arguments_and_params_is_an_error() -> None:
    with pytest.raises(Exception, match="already in use") as caught:
        step(arguments=[PipelineParameter("p", 1)], params={"p": 2})
    assert type(caught.value) is Exception


def test_one_parameter_with_two_defaults_is_an_error() -> None:
    with pytest.raises(Exception, match="two defaults") as caught:
        step(arguments=[PipelineParameter("p", 1), PipelineParameter("p", 2)])
    assert type(caught.value) is Exception


def test_a_kind_of_step_is_named_by_its_class() -> None:
    class _CleanStepBase(PipelineStep):
        pass

    assert _CleanStepBase("x", None, None).step_type == "CleanStep"
    assert step().step_type == "PythonScriptStep"


def test_hash_paths_have_no_effect_but_a_warning() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step(hash_paths=["x"])
    assert "hash_paths" in str(caught[0].message)
