"""`ParallelRunConfig` and `ParallelRunStep`: what they refuse, what they send, their file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes import FakeWorkspace
from test_submission import only_step, step

from azureml._not_yet import NotSupportedYet
from azureml.core import Environment
from azureml.core.compute import AmlCompute
from azureml.core.compute._aml_status import ScaleSettings
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.core import _submission as submissions
from azureml.pipeline.core._submission import RunRequest
from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep


def config(**changes: Any) -> ParallelRunConfig:
    given: Dict[str, Any] = {
        "environment": environment(),
        "entry_script": "s.py",
        "error_threshold": 10,
        "output_action": "append_row",
        "compute_target": "cpu-cluster",
        "node_count": 2,
    }
    return ParallelRunConfig(**{**given, **changes})


def environment() -> Environment:
    made = Environment("scoring")
    made.python.user_managed_dependencies = True
    made.environment_variables = {"A": "1", "B": "1"}
    return made


def files(name: str = "rows") -> Any:
    """What an earlier step writes, as files; its step comes with it."""
    made = OutputFileDatasetConfig(name + "_out")
    step("write_" + name, arguments=["--to", made])
    return made.as_input(name)


def table(name: str = "rows") -> Any:
    made = OutputFileDatasetConfig(name + "_out")
    step("write_" + name, arguments=["--to", made])
    return made.read_delimited_files().as_input(name)


class Registry(FakeWorkspace):
    """A workspace that keeps what is saved."""

    def __init__(self) -> None:
        super().__init__()
        self._client.post = lambda path, body, **_: {  # type: ignore[attr-defined]
            "id": "saved",
            "name": None,
            "version": None,
        }


def sent(workspace: FakeWorkspace, made: ParallelRunStep, **parameters: Any) -> Dict[str, Any]:
    """The step as the server is sent it."""
    body = submissions.submission(
        Pipeline(workspace, made).graph, RunRequest("e", parameters), workspace._client
    )
    (found,) = [each for each in body["steps"] if each["kind"] == "ParallelRunStep"]
    result: Dict[str, Any] = found
    return result


def test_files_are_mounted_and_all_settings_travel(workspace: FakeWorkspace) -> None:
    scores = PipelineData("scores", output_name="written")
    made = ParallelRunStep(
        name="score",
        parallel_run_config=config(
            mini_batch_size="5",
            process_count_per_node=3,
            run_invocation_timeout=7,
            run_max_try=1,
            append_row_file_name="all.txt",
            allowed_failed_count=2,
            allowed_failed_percent=2.5,
            logging_level="DEBUG",
            environment_variables={"B": 2},
        ),
        inputs=[files("first"), files("second").as_download()],
        output=scores,
        arguments=["--rate", 0.1, "--progress_update_timeout=90"],
        allow_reuse=False,
    )
    body = sent(workspace, made)
    task = body["task"]
    assert (body["name"], body["target"], body["allow_reuse"]) == ("score", "cpu-cluster", False)
    assert [each["name"] for each in body["inputs"]] == ["first", "second"]
    assert [each["name"] for each in body["outputs"]] == ["written"]
    assert (task["type"], task["entry_script"], task["output"]) == ("parallel", "s.py", "written")
    assert task["snapshot"] == "5" * 64 and task["timeout_seconds"] is None
    assert task["inputs"] == [
        {"port": "first", "form": "files", "dataset": None},
        {"port": "second", "form": "files", "dataset": None},
    ]
    assert {name: setting["literal"] for name, setting in task["settings"].items()} == {
        "mini_batch_size": "5",
        "error_threshold": "10",
        "allowed_failed_count": "2",
        "allowed_failed_percent": "2.5",
        "output_action": "append_row",
        "append_row_file_name": "all.txt",
        "run_max_try": "1",
        "run_invocation_timeout": "7",
        "node_count": "2",
        "process_count_per_node": "3",
        "logging_level": "DEBUG",
        "progress_update_timeout": "90",
    }
    texts = [each["literal"] for each in task["arguments"]]
    assert texts == ["--rate", "0.1", "--progress_update_timeout=90"]
    assert (task["variables"]["A"], task["variables"]["B"]) == ("1", "2")
    modes = {"first": "mount", "second": "mount"}
    found = dict(
        each.split(":") for each in task["variables"]["AZUREML_DATASET_ENVIRONMENT_VARS"].split(",")
    )
    assert found == modes


def test_what_is_left_out_is_left_to_the_server(workspace: FakeWorkspace) -> None:
    made = ParallelRunStep("score", config(output_action="Summary_Only"), [files()])
    task = sent(workspace, made)["task"]
    assert task["output"] is None
    assert task["settings"]["output_action"] == {"literal": "summary_only"}
    left = {"mini_batch_size", "process_count_per_node", "append_row_file_name", "partition_keys"}
    assert not left & set(task["settings"])


def test_a_table_is_sent_as_the_dataset_it_is() -> None:
    made = ParallelRunStep("score", config(), [table()], output=OutputFileDatasetConfig("o"))
    body = sent(Registry(), made)
    assert body["task"]["inputs"] == [{"port": "rows", "form": "table", "dataset": "saved"}]
    assert body["task"]["variables"]["rows"] == "saved"


def test_files_that_are_cut_by_key_are_sent_as_the_dataset_they_are() -> None:
    read = OutputFileDatasetConfig("written", partition_format="{store}/*.csv")
    step("write", arguments=["--to", read])
    by_key = config(partition_keys=["store", "brand"])
    made = ParallelRunStep(
        "score", by_key, [DatasetConsumptionConfig("rows", read)], output=PipelineData("o")
    )
    task = sent(Registry(), made)["task"]
    assert task["inputs"] == [{"port": "rows", "form": "files", "dataset": "saved"}]
    assert task["settings"]["partition_keys"] == {"literal": '["store", "brand"]'}
    with pytest.raises(Exception, match="`rows` is handed over by `mount`"):
        ParallelRunStep("score", by_key, [files()], output=PipelineData("o"))


def test_a_promoted_output_is_read_as_files_or_as_a_table() -> None:
    data = PipelineData("made").as_dataset()
    step("write", outputs=[data], arguments=["--to", data])
    made = ParallelRunStep("a", config(), [data.as_named_input("x")], output=PipelineData("o"))
    task = sent(FakeWorkspace(), made)["task"]
    assert task["inputs"] == [{"port": "x", "form": "files", "dataset": None}]
    rows = data.parse_delimited_files()
    made = ParallelRunStep("b", config(), [rows], output=PipelineData("o"))
    task = sent(Registry(), made)["task"]
    assert task["inputs"] == [{"port": "made", "form": "table", "dataset": "saved"}]


def test_settings_that_are_parameters_travel_as_such(workspace: FakeWorkspace) -> None:
    given = {
        "mini_batch_size": PipelineParameter("size", "10KB"),
        "node_count": PipelineParameter("nodes", 2),
        "process_count_per_node": PipelineParameter("workers", 2),
        "logging_level": PipelineParameter("level", "INFO"),
        "run_invocation_timeout": PipelineParameter("seconds", 60),
        "run_max_try": PipelineParameter("tries", 3),
    }
    made = ParallelRunStep("score", config(**given), [files()], output=PipelineData("o"))
    body = submissions.submission(
        Pipeline(workspace, made).graph,
        RunRequest("e", {"size": "20", "tries": 1}),
        workspace._client,
    )
    values = {"size": "20", "nodes": "2", "workers": "2", "level": "INFO", "seconds": "60"}
    assert body["parameters"] == {**values, "tries": "1"}
    settings = body["steps"][-1]["task"]["settings"]
    for name, parameter in given.items():
        assert settings[name] == {"parameter": parameter.name}
    by_key = config(partition_keys=PipelineParameter("keys", '["store"]'))
    assert by_key.partition_keys.default_value == '["store"]'


def test_side_inputs_and_arguments_are_those_of_any_step(workspace: FakeWorkspace) -> None:
    store = workspace.get_default_datastore()
    labels = DataReference(store, "labels", path_on_datastore="labels")
    rate = PipelineParameter("rate", 0.5)
    lists = files("lists")
    made = ParallelRunStep(
        "score",
        config(),
        [files()],
        output=PipelineData("o"),
        side_inputs=[labels, lists],
        arguments=["--labels", labels, "--lists", lists, "--rate", rate],
    )
    body = sent(workspace, made, rate=0.25)
    assert [each["name"] for each in body["inputs"]] == ["rows", "labels", "lists"]
    assert [each["port"] for each in body["task"]["inputs"]] == ["rows"]
    assert body["task"]["arguments"] == [
        {"literal": "--labels"},
        {"input": "labels"},
        {"literal": "--lists"},
        {"input": "lists"},
        {"literal": "--rate"},
        {"parameter": "rate"},
    ]


def test_an_input_named_as_the_output_is_renamed_in_all_places(workspace: FakeWorkspace) -> None:
    made = ParallelRunStep("score", config(), [files("rows")], output=PipelineData("rows"))
    body = sent(workspace, made)
    assert [each["name"] for each in body["inputs"]] == ["INPUT_rows"]
    assert body["task"]["inputs"][0]["port"] == "INPUT_rows"


def test_an_entry_script_may_lie_anywhere(workspace: FakeWorkspace, scripts: Path) -> None:
    (scripts / "deep").mkdir()
    (scripts / "deep" / "score.py").write_text("")
    for change, script, folder in [
        ({"entry_script": "deep/score.py"}, "deep/score.py", scripts),
        ({"entry_script": str(scripts / "deep" / "score.py")}, "score.py", scripts / "deep"),
        ({"entry_script": "score.py", "source_directory": "deep"}, "score.py", scripts / "deep"),
    ]:
        made = ParallelRunStep("score", config(**change), [files()], output=PipelineData("o"))
        assert sent(workspace, made)["task"]["entry_script"] == script
        assert workspace._client.pushed[-1] == str(folder)
    lost = ParallelRunStep("x", config(entry_script="no.py"), [files()], output=PipelineData("o"))
    with pytest.raises(ValueError, match="no.py"):
        Pipeline(workspace, lost)


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "scoring"},
        {"entry_script": ""},
        {"output_action": "append"},
        {"error_threshold": None},
        {"error_threshold": 1.5},
        {"allowed_failed_percent": 101},
        {"allowed_failed_percent": -1},
        {"run_max_try": 0},
        {"run_invocation_timeout": 0},
        {"process_count_per_node": PipelineParameter("p", 0)},
        {"mini_batch_size": PipelineParameter("p", "1.5MB")},
        {"mini_batch_size": 0},
        {"mini_batch_size": 5, "partition_keys": ["a"]},
        {"partition_keys": "a"},
        {"partition_keys": []},
        {"partition_keys": PipelineParameter("p", "a")},
        {"append_row_file_name": "a/b.txt"},
        {"append_row_file_name": "a*.txt"},
        {"node_count": "two"},
        {"environment_variables": ["A"]},
    ],
    ids=str,
)
def test_a_setting_that_is_not_what_it_must_be_is_refused(changes: Dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        config(**changes)


def test_more_nodes_than_the_target_has_are_refused() -> None:
    target = AmlCompute.__new__(AmlCompute)
    target.name = "cpu"
    target.scale_settings = ScaleSettings(0, 4, 120)
    assert config(compute_target=target, node_count=4).node_count == 4
    for count in (0, 5):
        with pytest.raises(ValueError, match="from 1 to 4 nodes"):
            config(compute_target=target, node_count=count)


REFUSED: List[Any] = [
    (lambda: {"inputs": [PipelineData("x")]}, Exception, "reads datasets, not a PipelineData"),
    (lambda: {"inputs": [files("x"), table("y")]}, Exception, "must be same type"),
    (lambda: {"inputs": files("x")}, AssertionError, "a list of at least one"),
    (lambda: {"output": None}, Exception, "Please specify output parameter"),
    (lambda: {"output": [PipelineData("o")]}, Exception, "pass one output"),
    (lambda: {"arguments": ["--mini_batch_size=5"]}, ValueError, "mini_batch_size"),
    (lambda: {"arguments": ["--x", "1", "--run_max_try", "5"]}, ValueError, "run_max_try"),
    (lambda: {"arguments": [1, "--x"]}, ValueError, "begin with 1"),
    (lambda: {"parallel_run_config": "config"}, ValueError, "pass a ParallelRunConfig"),
    (
        lambda: {"inputs": [], "arguments": ["--rank_mini_batch_count", "4"]},
        NotSupportedYet,
        "without data",
    ),
]


@pytest.mark.parametrize("changes, kind, text", REFUSED)
def test_a_step_that_cannot_be_is_refused(changes: Any, kind: Any, text: str) -> None:
    given: Dict[str, Any] = {
        "name": "score",
        "parallel_run_config": config(),
        "inputs": [files()],
        "output": PipelineData("o"),
    }
    with pytest.raises(kind, match=text):
        ParallelRunStep(**{**given, **changes()})


def test_a_configuration_survives_its_file(tmp_path: Path) -> None:
    made = config(
        mini_batch_size=PipelineParameter("size", "1MB"),
        allowed_failed_percent=2.5,
        description="scores rows",
        environment_variables={"A": "b"},
        source_directory="scripts",
    )
    path = str(tmp_path / "config.yml")
    made.save_to_yaml(path)
    assert (tmp_path / "config.yml").read_text().startswith("parallel_run_config:\n")
    read = ParallelRunConfig.load_yaml(None, path)
    assert isinstance(read, ParallelRunConfig)
    assert read.environment._to_dict() == made.environment._to_dict()
    assert (read.mini_batch_size.name, read.mini_batch_size.default_value) == ("size", "1MB")
    plain = {name for name in vars(made) if name not in ("environment", "mini_batch_size")}
    assert {name: vars(read)[name] for name in plain} == {name: vars(made)[name] for name in plain}

    (tmp_path / "bad.yml").write_text("parallel_run_config:\n  node_cuont: 2\n")
    for name, text in (("bad.yml", "node_cuont"), ("none.yml", "none.yml")):
        with pytest.raises(ValueError, match=text):
            ParallelRunConfig.load_yaml(None, str(tmp_path / name))


def test_other_steps_are_sent_as_they_were(workspace: FakeWorkspace) -> None:
    assert only_step(workspace, step("plain"))["task"]["program"] == {"script": "s.py"}


def test_how_workers_start_is_kept_among_the_environment_variables() -> None:
    settings = config()
    assert settings.allow_warm and settings.warm_imports == []
    assert settings.environment_variables is None
    settings.allow_warm, settings.warm_imports = False, ["torch"]
    expected = {"STEPWELL_WARM": "off", "STEPWELL_WARM_IMPORTS": "torch"}
    assert settings.environment_variables == expected
    settings.allow_warm = True
    assert settings.environment_variables == {"STEPWELL_WARM_IMPORTS": "torch"}
