"""The first hour with Stepwell: the example, and the commands that look at what it did."""

from __future__ import annotations

import json
import os
import pty
import re
import select
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from .bodies import literals, pipeline, shell, writes
from .client import Client
from .project import Project, binary
from .waiting import until

HOLD = 'echo up; while [ ! -e "$1" ]; do sleep 0.01; done'


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str, str]]:
    """The example of `stepwell init`, run with two rates; the project and the two runs."""
    outer = Project(tmp_path_factory.mktemp("hour"))
    outer.stepwell("init", "first")
    project = Project(outer.folder / "first")
    try:
        project.stepwell("run", "pipeline.py")
        project.stepwell("run", "pipeline.py", "--rate", "0.3")
        runs = json.loads(project.stepwell("runs", "--json"))
        yield project, runs[1]["id"], runs[0]["id"]
    finally:
        project.close()


def test_the_example_is_written_once_and_nothing_is_replaced(project: Project) -> None:
    written = project.stepwell("init", "first").splitlines()
    assert "first/pipeline.py" in written
    pipeline = project.folder / "first" / "pipeline.py"
    pipeline.write_text("# mine\n")
    refused = project.stepwell("init", "first", code=5)
    assert "is there already" in refused and "nothing was written" in refused
    (project.folder / "second" / "src").mkdir(parents=True)
    (project.folder / "second" / "src" / "train.py").symlink_to("/nowhere")
    project.stepwell("init", "second", code=5)
    assert not (project.folder / "second" / "pipeline.py").exists()
    assert pipeline.read_text() == "# mine\n"
    project.stepwell("init", "first/pipeline.py", code=5)
    assert not project.data.exists(), "no server is needed"


def test_the_run_is_shown_with_what_its_steps_logged(example: tuple[Project, str, str]) -> None:
    project, first, second = example
    shown = project.stepwell("show", "last")
    assert "mean_error" in shown and "evaluate" in shown
    assert "Reused" in shown, "prepare did not change"
    assert "Reused" in project.stepwell("graph", "last")
    assert "prepare (Reused)" in project.stepwell("logs", "last")
    table = project.stepwell("metrics", first)
    assert [line.split()[:2] for line in table.splitlines()[1:]] == [
        ["train", "training_error"],
        ["evaluate", "mean_error"],
    ]
    every = project.stepwell("metrics", first, "train", "--name", "training_error")
    assert len(every.splitlines()) == 21
    logged = json.loads(project.stepwell("metrics", second, "--json"))
    assert {each["step"] for each in logged} == {"train", "evaluate"}
    command = project.start("metrics", first, "--name", "eror")
    assert command.communicate(timeout=30)[1] == (
        "no metric `eror` was logged; there are training_error, mean_error\n"
    )


def test_two_runs_are_compared(example: tuple[Project, str, str]) -> None:
    project, first, second = example
    found = json.loads(project.stepwell("diff", first, second, "--json"))
    differ = {(each["step"], each["what"]): (each["a"], each["b"]) for each in found}
    assert differ[None, "parameter rate"] == ("0.1", "0.3")
    assert ("train", "metric training_error") in differ
    assert ("evaluate", "metric mean_error") in differ
    assert {step for step, _ in differ} == {None, "train", "evaluate"}
    assert "parameter rate" in project.stepwell("diff", first, "last")
    assert project.stepwell("diff", first, first).endswith("\nnothing differs\n")


def test_a_changed_file_is_named(example: tuple[Project, str, str]) -> None:
    project, first, _ = example
    script = project.folder / "src" / "evaluate.py"
    text = script.read_text()
    try:
        script.write_text(text + "\n# changed\n")
        project.stepwell("run", "pipeline.py")
        found = json.loads(project.stepwell("diff", first, "last", "--json"))
    finally:
        script.write_text(text)
    files = {each["what"] for each in found if each["what"].startswith("file ")}
    assert files == {"file evaluate.py"}


def test_files_and_outputs_are_downloaded(
    example: tuple[Project, str, str], tmp_path: Path
) -> None:
    project, first, _ = example
    to = ["--to", str(tmp_path / "one")]
    (model,) = project.stepwell("download", first, "outputs/model.json", *to).splitlines()
    assert set(json.loads(Path(model).read_text())) == {"base", "weights"}
    assert model == str(tmp_path / "one" / "outputs" / "model.json")
    assert "is there already" in project.stepwell("download", first, "outputs", *to, code=5)
    project.stepwell("download", first, "outputs", *to, "--overwrite")
    (clean,) = project.stepwell("download", first, "clean", "--to", str(tmp_path)).splitlines()
    assert clean == str(tmp_path / "clean" / "houses.csv")
    everything = json.loads(
        project.stepwell(
            "download",
            first,
            "--json",
            cwd=tmp_path,
            env={**project.variables, "STEPWELL_DATA": str(project.data)},
        )
    )
    assert f"run-{first[-8:]}/2-train/outputs/model.json" in everything
    assert all((tmp_path / name).is_file() for name in everything)
    refused = project.stepwell("download", first, "outputs/modle.json", code=3)
    assert "did you mean `outputs/model.json`?" in refused


def test_a_link_lets_a_browser_in_and_is_opened(example: tuple[Project, str, str]) -> None:
    project, first, _ = example
    link = json.loads(project.stepwell("open", first, "--json"))
    assert f"/runs/{first}?ticket=" in link["url"] and link["expires_at"]
    browser = project.folder / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > opened\n')
    browser.chmod(0o755)
    named = {**project.variables, "BROWSER": str(browser)}
    assert project.stepwell("open", "last", env=named) == ""
    opened = project.folder / "opened"
    # The browser is started and not waited for.
    until(lambda: opened.exists() and opened.read_text().endswith("\n"), bool, "it is open")
    assert "/runs/" in opened.read_text()
    browser.write_text("#!/bin/sh\nexit 3\n")
    printed = project.stepwell("open", env=named)
    assert printed.startswith("http://127.0.0.1:") and "/?ticket=" in printed
    bare = {key: value for key, value in project.variables.items() if "DISPLAY" not in key}
    assert "?ticket=" in project.stepwell("open", "last", env=bare)


def test_the_last_lines_of_a_log_are_printed(project: Project, client: Client) -> None:
    steps = [shell("one", "seq 1 50000"), shell("two", "printf 'a\\nb'")]
    client.wait(client.submit(pipeline(*steps))["id"])
    assert project.stepwell("logs", "last", "one", "--tail", "2") == "49999\n50000\n"
    assert project.stepwell("logs", "last", "two", "-n", "1") == "b"
    both = project.stepwell("logs", "last", "--tail", "1")
    assert both.splitlines()[0] == "==> 1 one (Completed)" and "\n50000\n" in both
    followed = project.stepwell("logs", "last", "--follow", "--tail", "1")
    assert sorted(followed.splitlines()) == ["[one] 50000", "[two] b"]


def test_lines_have_times_and_those_since_a_time_are_found(
    project: Project, client: Client
) -> None:
    gate = project.folder / "gate"
    slow = 'echo early; while [ ! -e "$1" ]; do sleep 0.01; done; echo late'
    run = client.submit(pipeline(shell("talk", slow, *literals(gate))))["id"]
    step = client.steps(run)[0]["id"]

    def times() -> list[dict[str, int]]:
        return list(client.get(f"/runs/{step}/log/times")["times"])

    (first,) = until(times, lambda times: len(times) == 1, "the first line has a time")
    assert first["length"] == len("early\n")
    gate.touch()
    client.wait(run)
    assert [time["length"] for time in times()] == [6, 11]
    between = datetime.fromtimestamp((first["at_ms"] + 1) / 1000, timezone.utc).isoformat()
    assert project.stepwell("logs", "last", "talk", "--since", between) == "late\n"
    assert project.stepwell("logs", "last", "talk", "--since", "1h") == "early\nlate\n"
    timed = project.stepwell("logs", "last", "talk", "--timestamps").splitlines()
    assert [re.sub(r"\d", "0", line) for line in timed] == [
        "0000-00-00 00:00:00 early",
        "0000-00-00 00:00:00 late",
    ]
    lines = project.stepwell("logs", "last", "talk", "--json", "--timestamps").splitlines()
    at = [datetime.fromisoformat(json.loads(line)["at"].replace("Z", "+00:00")) for line in lines]
    assert at == [datetime.fromtimestamp(time["at_ms"] / 1000, timezone.utc) for time in times()]


def test_a_picture_is_of_the_format_that_its_name_says(
    example: tuple[Project, str, str],
) -> None:
    project, _, _ = example
    refused = project.stepwell("graph", "last", "-o", "graph.png", code=2)
    assert "`graph.png` cannot be drawn" in refused and ".svg" in refused
    assert not (project.folder / "graph.png").exists()
    project.stepwell("graph", "last", "-o", "graph.txt")
    assert "prepare" in (project.folder / "graph.txt").read_text()
    project.stepwell("graph", "last", "--svg", "-o", "graph.png")
    assert (project.folder / "graph.png").read_text().startswith("<svg")
    assert "is an argument" in project.stepwell("graph", "last", "--rate", "3", code=2)


def test_a_program_is_planned_and_drawn_with_its_arguments(
    example: tuple[Project, str, str],
) -> None:
    project, _, _ = example
    assert "reused     train" in project.stepwell("plan", "pipeline.py", "--rate", "0.3")
    plan = json.loads(project.stepwell("plan", "pipeline.py", "--json", "--rate", "0.7"))
    assert [step["outcome"] for step in plan] == ["reused", "runs", "runs"]
    assert "evaluate" in project.stepwell("graph", "pipeline.py", "--text", "--rate", "0.7")
    wrong = project.stepwell("plan", "pipeline.py", "--speed", "9", code=1)
    assert "unrecognized arguments: --speed" in wrong


def test_a_run_goes_on_from_its_failure(project: Project, client: Client) -> None:
    """Also a step that may not be reused keeps what it made; the others run."""
    gate, count = project.folder / "gate", project.folder / "count"
    slow = 'echo x >> "$1"; mkdir -p "$2"; echo data > "$2/rows"'
    made = {"name": "rows", "source": {"step": {"step": 0, "output": "rows"}}}
    steps = [
        shell("prepare", slow, *literals(count), {"output": "rows"}, outputs=[writes("rows")]),
        shell(
            "train",
            'test -e "$1" && cat "$2/rows"',
            *literals(gate),
            {"input": "rows"},
            inputs=[made],
        ),
        shell("report", "echo done", after=[1]),
    ]
    first = client.submit(pipeline(*steps))["id"]
    assert client.wait(first)["status"] == "Failed"
    gate.touch()
    project.stepwell("rerun", "last", "--from-failure", "--wait")
    shown = json.loads(project.stepwell("show", "last", "--json"))
    assert [step["reused_from"] is not None for step in shown["steps"]] == [True, False, False]
    assert shown["run"]["status"] == "Completed"
    assert count.read_text() == "x\n", "it did not run again"
    assert "had succeeded in the run" in project.stepwell("why", "last", "prepare")
    assert project.stepwell("logs", "last", "train") == "data\n"
    refused = project.stepwell("rerun", "last", "--from-failure", code=5)
    assert "has succeeded: there is no failure to continue from" in refused
    # Without it, a step that may not be reused runs again.
    project.stepwell("rerun", first, "--wait")
    assert count.read_text() == "x\nx\n"
    # What was removed since is made anew.
    gate.unlink()
    assert project.stepwell("rerun", first, "--from-failure", "--wait", code=1) is not None
    failed = json.loads(project.stepwell("show", "last", "--json"))
    source = failed["steps"][0]["reused_from"]
    for place in project.data.rglob(f"*{source}*/rows/rows"):
        place.unlink()
        place.parent.rmdir()
    gate.touch()
    project.stepwell("rerun", "last", "--from-failure", "--wait")
    assert count.read_text() == "x\nx\nx\n"


def complete(project: Project, *words: str) -> list[str]:
    """What the shell is offered for the last word."""
    variables = {
        **project.variables,
        "STEPWELL_COMPLETE": "bash",
        "_CLAP_COMPLETE_INDEX": str(len(words)),
        "_CLAP_IFS": "\n",
        "_CLAP_COMPLETE_COMP_TYPE": "9",
        "_CLAP_COMPLETE_SPACE": "true",
    }
    offered = project.stepwell("--", "stepwell", *words, env=variables)
    return offered.splitlines()


def test_ids_and_names_are_completed(example: tuple[Project, str, str], tmp_path: Path) -> None:
    project, first, second = example
    runs = complete(project, "show", "")
    assert runs[0] == "last" and first[-8:] in runs and second[-8:] in runs
    assert complete(project, "logs", first[-8:], "tr") == ["train"]
    assert complete(project, "why", "last", "")[:3] == ["prepare", "train", "evaluate"]
    assert "houses" in complete(project, "runs", "--experiment", "")
    assert complete(project, "runs", "--status", "Comp") == ["Completed"]
    assert sorted(complete(project, "do")) == ["doctor", "download"]
    elsewhere = Project(tmp_path)
    offered = complete(elsewhere, "show", "")
    assert [each for each in offered if not each.startswith("-")] == ["last"]
    assert not elsewhere.data.exists(), "a completion creates nothing"
    script = project.stepwell("completions", "bash")
    assert "STEPWELL_COMPLETE" in script and str(binary()) in script


HOLDING = """
from azureml.core import Experiment, Workspace
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
step = PythonScriptStep(name="hold", script_name="hold.py", source_directory="held")
run = Experiment(ws, "held").submit(Pipeline(ws, [step]))
run.wait_for_completion(show_output=False)
"""

HELD = """
import os, time
while not os.path.exists({gate!r}):
    time.sleep(0.01)
"""


def interrupted(project: Project, client: Client, answer: bytes) -> tuple[int, str]:
    """A program on a terminal whose user types Ctrl-C and answers; its code, and what it said."""
    before = len(client.get("/runs")["runs"])
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(project.folder)
        os.execve(binary(), [str(binary()), "run", "program.py"], project.variables)
    said = b""
    typed = 0
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                read = os.read(terminal, 4096)
            except OSError:
                break
            if not read:
                break
            said += read
        runs = client.get("/runs")["runs"]
        if typed == 0 and len(runs) > before and runs[0]["status"] == "Running":
            os.write(terminal, b"\x03")
            typed = 1
        if typed == 1 and b"[y/N]" in said:
            os.write(terminal, answer)
            typed = 2
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode(errors="replace")


def test_ctrl_c_asks_what_becomes_of_the_run(project: Project, client: Client) -> None:
    gate = project.folder / "gate"
    (project.folder / "held").mkdir()
    (project.folder / "held" / "hold.py").write_text(HELD.format(gate=str(gate)))
    (project.folder / "program.py").write_text(HOLDING)
    try:
        for answer, status in ((b"y\n", "Canceled"), (b"n\n", "Running")):
            code, said = interrupted(project, client, answer)
            assert code == 130, said
            assert "goes on" in said and "Cancel it? [y/N]" in said
            run = client.get("/runs")["runs"][0]["id"]
            wanted = status.__eq__
            until(lambda run=run: client.run(run)["status"], wanted, status)
    finally:
        gate.touch()
