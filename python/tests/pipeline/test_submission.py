"""What the server is sent for a pipeline, and what the program prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from fakes import RUN_ID, FakeStore, FakeWorkspace

from azureml._not_yet import NotSupportedYet
from azureml.core.compute import _notice
from azureml.core.runconfig import RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter, PipelineStep
from azureml.pipeline.core import _submission as submissions
from azureml.pipeline.core._step_data import input_binding
from azureml.pipeline.core._submission import RunRequest
from azureml.pipeline.steps import CommandStep, PythonScriptStep


def step(name: str, **kwargs: Any) -> PythonScriptStep:
    return PythonScriptStep("s.py", name, **kwargs)


def body_of(workspace: FakeWorkspace, what: Any, **parameters: Any) -> Dict[str, Any]:
    graph = Pipeline(workspace, what).graph
    return submissions.submission(graph, RunRequest("e", parameters), workspace._client)


def only_step(workspace: FakeWorkspace, what: Any, **parameters: Any) -> Dict[str, Any]:
    (made,) = body_of(workspace, what, **parameters)["steps"]
    result: Dict[str, Any] = made
    return result


def test_a_pipeline_of_two_steps_is_sent_whole(workspace: FakeWorkspace) -> None:
    clean = PipelineData("clean", pipeline_output_name="cleaned")
    rate = PipelineParameter("rate", 0.5)
    prepare = step(
        "prepare", outputs=[clean], arguments=["--to", clean], compute_target="aml-cluster"
    )
    train = step(
        "train",
        inputs=[clean],
        arguments=["--from", clean, "--rate", rate],
        params={"my depth": 3},
        allow_reuse=False,
    )
    body = body_of(workspace, [prepare, train], rate=0.25)
    environment = {"kind": "interpreter", "python": sys.executable}
    user = body["client"].pop("user")
    assert user is None or isinstance(user, str)
    assert isinstance(body["client"].pop("version"), str)
    assert body == {
        "experiment": "e",
        "kind": "pipeline",
        "description": None,
        "parent": None,
        "properties": {
            "azureml.runsource": "azureml.PipelineRun",
            "runSource": "SDK",
            "runType": "SDK",
            "azureml.parameters": '{"rate": "0.25"}',
        },
        "declared": {"rate": {"type": "float", "default": "0.25"}},
        "parameters": {"rate": "0.25"},
        "continue_on_step_failure": False,
        "regenerate_outputs": False,
        "client": {"sdk_path": "/sdk"},
        "steps": [
            {
                "name": "prepare",
                "kind": "PythonScriptStep",
                "target": "aml-cluster",
                "task": {
                    "type": "process",
                    "program": {"script": "s.py"},
                    "arguments": [{"literal": "--to"}, {"output": "clean"}],
                    "snapshot": "5" * 64,
                    "environment": environment,
                    "variables": {},
                    "parameter_variables": {},
                    "timeout_seconds": None,
                },
                "inputs": [],
                "outputs": [
                    {
                        "name": "clean",
                        "datastore": "workspaceblobstore",
                        "path": None,
                        "upload_from": None,
                        "make_folder": False,
                    }
                ],
                "after": [],
                "allow_reuse": True,
            },
            {
                "name": "train",
                "kind": "PythonScriptStep",
                "target": "local",
                "task": {
                    "type": "process",
                    "program": {"script": "s.py"},
                    "arguments": [
                        {"literal": "--from"},
                        {"input": "clean"},
                        {"literal": "--rate"},
                        {"parameter": "rate"},
                    ],
                    "snapshot": "5" * 64,
                    "environment": environment,
                    "variables": {"AML_PARAMETER_my_depth": "3"},
                    "parameter_variables": {"AML_PARAMETER_rate": "rate"},
                    "timeout_seconds": None,
                },
                "inputs": [{"name": "clean", "source": {"step": {"step": 0, "output": "clean"}}}],
                "outputs": [],
                "after": [],
                "allow_reuse": False,
            },
        ],
        "outputs": {"cleaned": {"step": 0, "output": "clean"}},
    }


def test_steps_stand_in_an_order_in_which_they_can_run(workspace: FakeWorkspace) -> None:
    a, b, c, d = (step(name) for name in "abcd")
    a.run_after(d)
    a.run_after(d)
    body = body_of(workspace, [a, b, c, d])
    assert [each["name"] for each in body["steps"]] == ["b", "c", "d", "a"]
    assert [each["after"] for each in body["steps"]] == [[], [], [], [2]]


def output_of(workspace: FakeWorkspace, data: Any, **kwargs: Any) -> Dict[str, Any]:
    made = only_step(workspace, step("a", outputs=[data], arguments=[data], **kwargs))
    (written,) = made["outputs"]
    return {"argument": made["task"]["arguments"], **written}


OTHER = FakeStore("other")
OUTPUTS: Dict[str, Any] = {
    "plain data": (
        lambda: PipelineData("o", OTHER),
        {"datastore": "other"},
    ),
    "uploaded data": (
        lambda: PipelineData("o", output_mode="upload", output_path_on_compute="made/here"),
        {"upload_from": "made/here"},
    ),
    "uploaded data without a path of its own": (
        lambda: PipelineData("o", output_mode="upload"),
        {},
    ),
    "a configured output": (
        lambda: OutputFileDatasetConfig("o"),
        {
            "path": "dataset/{run-id}/{output-name}",
            "make_folder": True,
        },
    ),
    "a configured output with a destination": (
        lambda: OutputFileDatasetConfig("o", (OTHER, "/models/{run-id}/")),
        {
            "datastore": "other",
            "path": "models/{run-id}",
            "make_folder": True,
        },
    ),
    "a configured output with a source": (
        lambda: OutputFileDatasetConfig("o", source="made").as_upload(),
        {
            "path": "dataset/{run-id}/{output-name}",
            "upload_from": "made",
            "make_folder": True,
            "keep_existing": True,
        },
    ),
    "some files, in place of what is there": (
        lambda: OutputFileDatasetConfig("o", (OTHER, "made")).as_upload(True, "**/*.csv"),
        {
            "datastore": "other",
            "path": "made",
            "make_folder": True,
            "source_globs": ["**/*.csv"],
        },
    ),
}


@pytest.mark.parametrize("case", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_an_output_says_where_it_is_kept(case: Any, workspace: FakeWorkspace) -> None:
    make, expected = case
    plain = {
        "argument": [{"output": "o"}],
        "name": "o",
        "datastore": "workspaceblobstore",
        "path": None,
        "upload_from": None,
        "make_folder": False,
    }
    assert output_of(workspace, make()) == {**plain, **expected}


def test_names_that_were_made_up_are_the_same_in_every_submission(
    workspace: FakeWorkspace,
) -> None:
    def body() -> Any:
        made, other = OutputFileDatasetConfig(), OutputFileDatasetConfig()
        path = (DataPath(OTHER, "a"), DataPathComputeBinding())
        first = step("first", arguments=[made, other, path], inputs=[path])
        second = step("second", arguments=[other.as_input(), made.as_input(), "--id", "0badcafe"])
        return body_of(workspace, [first, second])

    one, two = body(), body()
    assert one["steps"] == two["steps"]
    first, second = one["steps"]
    names = [port["name"] for step in (first, second) for port in step["inputs"]]
    names += [port["name"] for port in first["outputs"]]
    assert len(set(names)) == len(names), "they are still different ones"
    assert second["task"]["arguments"][-1] == {"literal": "0badcafe"}, "what was not made up stays"
    source = next(port for port in second["inputs"] if port["name"] in str(second["task"]))
    assert source["source"]["step"]["output"] in [port["name"] for port in first["outputs"]]


def test_an_output_says_as_which_dataset_it_is_registered(workspace: FakeWorkspace) -> None:
    files = OutputFileDatasetConfig("o", partition_format="{year}")
    table = files.read_delimited_files(path_glob="*.csv").keep_columns("n")
    promoted = PipelineData("o").as_dataset()
    registered = [
        output_of(workspace, each)["register"]
        for each in (
            files.register_on_complete("d", "said", {"k": 1}),
            table.register_on_complete("d"),
            promoted.register("d"),
            promoted.parse_parquet_files().register("d", create_new_version=False),
        )
    ]
    facts = [
        (each["name"], each["kind"], each["create_new_version"], each["description"])
        for each in registered
    ]
    assert facts == [
        ("d", "file", True, "said"),
        ("d", "tabular", True, ""),
        ("d", "file", True, ""),
        ("d", "tabular", False, ""),
    ]
    definitions = [each["definition"] for each in registered]
    assert registered[0]["tags"] == {"k": "1"}
    assert definitions[0]["partition_format"] == "{year}"
    assert definitions[1]["reading"]["glob"] == "*.csv"
    assert definitions[1]["steps"] == [{"do": "keep", "columns": ["n"]}]
    assert definitions[3]["reading"]["extension"] == ".parquet"
    assert "register" not in output_of(workspace, files)


@pytest.mark.parametrize(
    ("reading", "sent"),
    [
        (lambda data: data.as_mount(), {}),
        (lambda data: data.as_download(), {"download": True}),
        (
            lambda data: data.as_download(path_on_compute="./in/here/"),
            {"download": True, "path_on_compute": "in/here"},
        ),
        (lambda data: data.as_download(path_on_compute="/tmp/there"), {"download": True}),
        (lambda data: data.as_download(path_on_compute="../there"), {"download": True}),
    ],
)
def test_an_input_says_how_the_step_gets_it(
    reading: Any, sent: Dict[str, Any], workspace: FakeWorkspace
) -> None:
    made = PipelineData("made")
    first = step("first", outputs=[made])
    read = reading(made)
    (_, second) = body_of(workspace, [first, step("second", inputs=[read], arguments=[read])])[
        "steps"
    ]
    source = {"step": {"step": 0, "output": "made"}}
    assert second["inputs"] == [{"name": "made", "source": source, **sent}]


def test_each_place_that_is_not_followed_is_said_once(
    workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in ("../x", ".", "../x"):
        made = PipelineData("warned")
        read = made.as_download(path_on_compute=place)
        steps = [step("a", outputs=[made]), step("b", inputs=[read], arguments=[read])]
        body_of(workspace, steps)
    warnings = [line for line in capsys.readouterr().err.splitlines() if "asks for" in line]
    assert [line.split(" at ")[1].split(",")[0] for line in warnings] == ["../x", "."]


@pytest.mark.parametrize(("mode", "sent"), [("mount", {}), ("download", {"download": True})])
def test_data_references_and_paths_say_how_the_step_gets_them(
    mode: str, sent: Dict[str, Any], workspace: FakeWorkspace
) -> None:
    reference = DataReference(OTHER, "raw", "a", mode=mode, path_on_compute="raw")
    path = PipelineParameter("path", DataPath(OTHER, "b"))
    pair = (path, DataPathComputeBinding(mode=mode))
    made = only_step(workspace, step("a", inputs=[reference, pair], arguments=[reference, pair]))
    found = {
        place["name"]: {key: each for key, each in place.items() if key not in ("name", "source")}
        for place in made["inputs"]
    }
    assert found == {"raw": {**sent, "path_on_compute": "raw"}, "path": sent}


def test_an_input_on_a_datastore_names_its_place(workspace: FakeWorkspace) -> None:
    raw = DataReference(OTHER, "raw", "/a/raw.csv")
    made = only_step(workspace, step("a", inputs=[raw], arguments=[raw]))
    place = {"datastore": {"datastore": "other", "path": "a/raw.csv"}}
    assert made["inputs"] == [{"name": "raw", "source": place}]
    assert made["task"]["arguments"] == [{"input": "raw"}]


def test_a_data_path_that_is_a_parameter_is_chosen_at_submission(
    workspace: FakeWorkspace,
) -> None:
    where = PipelineParameter("where", DataPath(OTHER, "old"))
    pair = (where, DataPathComputeBinding())
    made = step("a", inputs=[pair], arguments=[pair])
    for given, expected in (({}, "old"), ({"where": DataPath(OTHER, "new")}, "new")):
        body = body_of(workspace, made, **given)
        (sent,) = body["steps"]
        place = {"datastore": "other", "path": expected}
        assert body["declared"] == {"where": {"type": "data_path", "default": place}}
        assert sent["inputs"] == [{"name": "where", "source": {"parameter": "where"}}]
        assert sent["task"]["variables"] == {}


def test_a_configured_output_is_read_by_a_later_step(workspace: FakeWorkspace) -> None:
    output = OutputFileDatasetConfig("o")
    write = step("a", arguments=[output])
    read = step("b", arguments=[output.as_input("i").as_mount()])
    body = body_of(workspace, [write, read])
    source = {"step": {"step": 0, "output": "o"}}
    assert body["steps"][1]["inputs"] == [{"name": "i", "source": source}]


def test_a_command_is_sent_as_one(workspace: FakeWorkspace) -> None:
    task = only_step(workspace, CommandStep("python s.py 'a b'"))["task"]
    assert task["program"] == {"shell": "bash"}
    assert task["arguments"] == [{"literal": "python s.py 'a b'"}]


def test_a_run_configuration_gives_environment_variables_target_and_time(
    workspace: FakeWorkspace,
) -> None:
    config = RunConfiguration()
    config.environment_variables = {"COLOUR": "red"}
    config.target = "gpus"
    config.max_run_duration_seconds = 60
    made = only_step(workspace, step("a", runconfig=config))
    assert made["target"] == "gpus"
    assert made["task"]["timeout_seconds"] == 60
    assert made["task"]["variables"]["COLOUR"] == "red"


def test_a_setting_of_the_run_configuration_is_a_parameter(workspace: FakeWorkspace) -> None:
    made = step("a", runconfig_pipeline_params={"NodeCount": PipelineParameter("nodes", 1)})
    body = body_of(workspace, made, nodes=2)
    assert body["parameters"] == {"nodes": "2"}
    distribution = {"communicator": "py_torch", "parameters": {"nodes": "nodes"}}
    assert body["steps"][0]["task"]["distribution"] == distribution


NOT_YET: Dict[str, Callable[[], PipelineStep]] = {
    "data beside the script": lambda: step(
        "b", inputs=[input_binding(DataReference(OTHER, "raw", "x")).as_resource()]
    ),
}


@pytest.mark.parametrize("make", NOT_YET.values(), ids=NOT_YET.keys())
def test_what_a_step_cannot_have_yet_is_refused_before_anything_runs(
    make: Callable[[], Any], workspace: FakeWorkspace
) -> None:
    with pytest.raises(NotSupportedYet):
        Pipeline(workspace, make()).submit("e")
    assert workspace._client.submitted == []


PARAMETERS: List[Any] = [
    (1, {"p": 2}, "2"),
    (1, {"p": True}, "True"),
    (True, {"p": 3}, "3"),
    (1.0, {"p": 2.5}, "2.5"),
    ("x", {"p": "y"}, "y"),
    ("x", {}, "x"),
    (1.0, {"p": 2}, Exception),
    (1, {"p": 2.0}, Exception),
    (1, {"p": "2"}, Exception),
    ("x", {"p": None}, Exception),
    (1, {"q": 2}, Exception),
    (DataPath(OTHER, "a"), {"p": "b"}, TypeError),
]


@pytest.mark.parametrize("default, given, expected", PARAMETERS)
def test_a_parameter_takes_values_of_its_own_type(
    default: Any, given: Dict[str, Any], expected: Any, workspace: FakeWorkspace
) -> None:
    parameter = PipelineParameter("p", default)
    pair = (parameter, DataPathComputeBinding())
    is_path = isinstance(default, DataPath)
    made = step("a", inputs=[pair]) if is_path else step("a", arguments=[parameter])
    if isinstance(expected, str):
        assert body_of(workspace, made, **given)["parameters"] == {"p": expected}
        return
    with pytest.raises(expected) as caught:
        body_of(workspace, made, **given)
    assert type(caught.value) is expected


def test_each_folder_is_pushed_for_the_steps_that_use_it(
    workspace: FakeWorkspace, scripts: Path
) -> None:
    body_of(workspace, [step("a"), step("b")])
    assert set(workspace._client.pushed) == {str(scripts)}


def test_the_program_is_told_of_steps_run_and_target_once(
    workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_notice, "_named", set())
    pipeline = Pipeline(workspace, [step("a", compute_target="aml-cluster")])
    run = pipeline.submit("e", regenerate_outputs=True)
    node_id = pipeline.graph.nodes[0].node_id
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "Compute target aml-cluster is not defined; its steps run on this machine.",
        f"Created step a [{node_id}][55555555]",
        f"Submitted PipelineRun {RUN_ID}",
    ]
    assert RUN_ID in lines[3] and len(lines) == 4
    assert run.id == RUN_ID and run.experiment.name == "e"
    assert workspace._client.submitted[0]["regenerate_outputs"] is True
    pipeline.submit("e")
    assert "not defined" not in capsys.readouterr().out


def test_targets_that_were_made_are_not_spoken_of(
    workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    Pipeline(workspace, [step("a", compute_target="gpus")]).submit("e")
    assert "gpus" not in capsys.readouterr().out


def test_an_unknown_option_of_submit_is_a_value_error(workspace: FakeWorkspace) -> None:
    pipeline = Pipeline(workspace, [step("a", arguments=[PipelineParameter("p", 1)])])
    with pytest.raises(ValueError, match="colour"):
        pipeline.submit("e", colour="red")
    pipeline.submit("e", pipeline_params={"p": 2})
    assert workspace._client.submitted[0]["parameters"] == {"p": "2"}


def test_an_interpreter_elsewhere_is_not_told_where_the_sdk_is(workspace: FakeWorkspace) -> None:
    workspace._client.data_folder = None  # type: ignore[assignment]
    assert body_of(workspace, [])["client"]["sdk_path"] is None


def chain(count: int) -> PythonScriptStep:
    """Steps that each read what the one before wrote, and run after the first."""
    made: List[PythonScriptStep] = []
    data = None
    for number in range(count):
        reads, data = [data] if data else [], PipelineData(f"d{number}")
        made.append(step(str(number), inputs=reads, outputs=[data], arguments=[*reads, data]))
        if number:
            made[-1].run_after(made[0])
    return made[-1]


def gathering(count: int) -> PythonScriptStep:
    """One step that reads what all the others wrote."""
    outputs = [OutputFileDatasetConfig(f"d{number}") for number in range(count)]
    for output in outputs:
        step(output.name, arguments=[output])
    reads = [output.as_input("i" + output.name) for output in outputs]
    return step("last", arguments=reads)


def calls_for(make: Callable[[int], Any], count: int) -> int:
    """How many function calls `count` steps take, from the first step to the body."""
    workspace = FakeWorkspace()
    calls = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        body_of(workspace, make(count))
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("make", [chain, gathering])
def test_work_grows_in_step_with_the_number_of_steps(make: Callable[[int], Any]) -> None:
    calls_for(make, 1)
    small, large = calls_for(make, 100), calls_for(make, 400)
    assert large < 4.4 * small
