"""What people write by mistake: each is refused, or warned of, with what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from fakes import FakeWorkspace

from azureml._suggest import did_you_mean, listed
from azureml.core import Workspace
from azureml.core._run_wait import deadline_after
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import CommandStep, PythonScriptStep

DATA = PipelineData("clean")


def make(**more: Any) -> PythonScriptStep:
    given: Dict[str, Any] = {"name": "train", "script_name": "s.py", "compute_target": "gpus"}
    return PythonScriptStep(**{**given, **more})


def circle() -> List[PythonScriptStep]:
    first, second = (make(name=name) for name in ("first", "second"))
    first.run_after(second)
    second.run_after(first)
    return [first, second]


REFUSED: Dict[str, Callable[[FakeWorkspace], Any]] = {
    "the arguments of step `train` are '--rate 0.1', which is no list; "
    "write arguments=['--rate', '0.1']": lambda ws: make(arguments="--rate 0.1"),
    "the inputs of step `train` are a PipelineData, which is no list; write inputs=[...]": (
        lambda ws: make(inputs=DATA)
    ),
    "the outputs of step `train` are 'out', which is no list; write outputs=[...]": (
        lambda ws: make(outputs="out")
    ),
    "`clean` stands among the arguments but neither in the inputs nor in the outputs of step "
    "`train`; add it to one of them": lambda ws: make(arguments=[DATA]),
    "did you mean `s.py`?": lambda ws: Pipeline(ws, [make(script_name="x.py")]),
    "the pipeline has no parameter `rte`; it has `rate`; did you mean `rate`?": lambda ws: Pipeline(
        ws, [make(arguments=[PipelineParameter("rate", 0.1)])]
    ).submit("e", {"rte": 1.0}),
    "pipeline parameter `rate` takes a value of type float, not str; pass float('1'), or make the "
    "default a str": lambda ws: Pipeline(
        ws, [make(arguments=[PipelineParameter("rate", 0.1)])]
    ).submit("e", {"rate": "1"}),
    "compute target `gpu` does not exist in the workspace; it has `gpus`, `seen-before`; did you "
    "mean `gpus`?": lambda ws: Pipeline(FakeWorkspace(False), [make(compute_target="gpu")]),
    "these steps wait for each other: second -> first -> second; take away one of the inputs or "
    "`run_after` that join them": lambda ws: Pipeline(ws, circle()).submit("e"),
    "not of 'x', which is of <class 'str'>; give it a step, such as PythonScriptStep(...)": (
        lambda ws: Pipeline(ws, ["x"])
    ),
    "timeout_seconds is 'soon', which is no number; give seconds, such as 600": lambda ws: (
        deadline_after("soon")  # type: ignore[arg-type]
    ),
    "`clean` is already an output of step `first`; step `second` cannot write it too. Give step "
    "`second` an output of its own, or make `clean` one of its inputs": lambda ws: Pipeline(
        ws, [make(name=name, outputs=[DATA]) for name in ("first", "second")]
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_mistake_is_refused_with_what_to_write_instead(
    text: str, workspace: FakeWorkspace
) -> None:
    with pytest.raises(Exception) as refused:
        REFUSED[text](workspace)
    assert text in str(refused.value)


def test_a_command_may_be_text_and_a_tuple_is_a_list(workspace: FakeWorkspace) -> None:
    CommandStep(command="python s.py", compute_target="gpus")
    make(arguments=("--rate", 1))


@pytest.mark.parametrize(
    "names, warning",
    [
        ([], "warning: the pipeline has no steps\n"),
        (
            ["a", "a", "b"],
            "warning: 2 steps of the pipeline are named `a`; find_step_run gives all of them\n",
        ),
        ([" "], "warning: a step of the pipeline has an empty name\n"),
        (["a", "b"], ""),
    ],
)
def test_what_v1_allows_and_is_rarely_meant_is_warned_of(
    names: Any, warning: str, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    Pipeline(workspace, [make(name=name) for name in names]).submit("e")
    assert capsys.readouterr().err == warning


def test_a_place_where_there_is_nothing_is_warned_of_before_the_step_starts(
    workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for path, warned in (("not/there", True), ("there", False)):
        (tmp_path / "there").mkdir(exist_ok=True)
        data = DataReference(workspace.store, "raw", path_on_datastore=path)
        Pipeline(workspace, [make(inputs=[data], arguments=[data])]).submit("e")
        warning = (
            "warning: input `raw` of step `train` is not/there on datastore `workspaceblobstore`, "
            "where there is nothing\n"
        )
        assert capsys.readouterr().err == (warning if warned else "")


def test_suggestions_ignore_case_and_lists_are_short() -> None:
    assert did_you_mean("TRIAN.py", ["train.py", "test.py"]) == "; did you mean `train.py`?"
    assert did_you_mean("x", ["people"]) == ""
    assert listed([]) == "none"
    assert listed(str(number) for number in range(22)).endswith("`19` and 2 more")


def test_names_of_the_workspace_are_suggested(project: Any) -> None:
    from azureml.core import Datastore, Model
    from azureml.core.dataset import Dataset
    from azureml.exceptions import UserErrorException, WebserviceException

    workspace = Workspace.from_config()
    store = workspace.get_default_datastore()
    with pytest.raises(UserErrorException, match="did you mean `workspaceblobstore`"):
        Datastore.get(workspace, "workspaceblobstor")
    (project / "f.txt").write_text("x")
    store.upload_files(["f.txt"], target_path="mistakes", show_progress=False)
    files = Dataset.File.from_files((store, "mistakes/f.txt"))
    files.register(workspace, "people-of-mistakes")
    with pytest.raises(UserErrorException, match="did you mean `people-of-mistakes`"):
        Dataset.get_by_name(workspace, "poeple-of-mistakes")
    Model.register(workspace, "f.txt", "churn-of-mistakes")
    with pytest.raises(WebserviceException, match="did you mean `churn-of-mistakes`"):
        Model(workspace, "chrun-of-mistakes")


def test_what_the_server_refuses_is_in_plain_words_and_the_users_fault(project: Any) -> None:
    from azureml.core import Datastore, Experiment, Model
    from azureml.exceptions import UserErrorException, WebserviceException
    from azureml.pipeline.core.schedule import Schedule, ScheduleRecurrence

    workspace = Workspace.from_config()
    daily = ScheduleRecurrence(frequency="Day", interval=1)
    with pytest.raises(UserErrorException, match="`pipeline`: it must be an id, such as 0192"):
        Schedule.create(workspace, "s", "nope", "e", daily)
    with pytest.raises(UserErrorException, match="cannot name an experiment\nhint: use 1 to 255"):
        Experiment(workspace, "a / b").submit(Pipeline(workspace, [make(name="a")]))
    with pytest.raises(WebserviceException) as refused:
        Model(workspace, "no-such-model")
    assert '"code": "UserError"' in str(refused.value)
    with pytest.raises(UserErrorException, match="its account key is no key: .*base64") as key:
        Datastore.register_azure_blob_container(
            workspace, "badkey", container_name="c", account_name="account", account_key="x"
        )
    assert "Generic" not in str(key.value)
