"""From nothing to user code: the server from cold, its memory, and the first line of a step.

Every measurement has a folder of its own, in which no server has ever run. The floor is what
cannot be avoided: a process that starts another one, as often as is needed.
"""

from __future__ import annotations

import os
import subprocess
import time

import measure
from workspace import PYTHON, ROOT, Workspace, bare_python, binary, environment, step

IDLE_S = 2.0
# Short of the time after which supervisors leave when it is quiet.
LOADED_S = 4.0
MEMORY_MAX = 60e6
SAY_WHEN = "import time; print(repr(time.time()), flush=True)\n"

PROGRAM = """
import sys
from azureml.core import Experiment, Workspace
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
step = PythonScriptStep("main.py", source_directory="source", compute_target="aml-cluster")
run = Experiment(ws, "bench").submit(Pipeline(workspace=ws, steps=[step]))
if "--wait" in sys.argv:
    run.wait_for_completion(show_output=False)
"""


def ready(repetitions: int) -> measure.Figure:
    """`stepwell connect` with no server there, until it answers."""

    def ours() -> float:
        with Workspace() as workspace:
            return measure.timed(workspace.connect)

    def floor() -> float:
        return measure.timed(lambda: _twice([binary(), "--version"]))

    measured = measure.pairs(ours, floor, repetitions)
    return measure.absolute("server ready, from cold", measured, 0.3, "`stepwell` twice")


def memory() -> measure.Figure:
    """The resident memory of a server that has run a step and is idle."""
    with Workspace() as workspace:
        workspace.connect()
        workspace.finish(workspace.submit([step(workspace.script("pass\n"))]))
        # Idle is idle for a while, not for the moment after the last answer.
        time.sleep(IDLE_S)
        found = resident(workspace.pid)
    return measure.Figure(
        name="idle memory of the server",
        value=f"{found / 1e6:.1f} MB",
        target=f"<= {MEMORY_MAX / 1e6:.0f} MB",
        met=found <= MEMORY_MAX,
        ratio="",
        note=f"resident, after {IDLE_S:.0f} s",
    )


def memory_of_all(environments: int) -> measure.Figure:
    """What the server and all that it keeps hold when idle: its supervisors and their loaded
    interpreters. Pages that several hold are divided among them.
    """
    with Workspace() as workspace:
        script = workspace.script("pass\n")
        for number in range(environments):
            python = bare_python(workspace.folder / f"env-{number}")
            for _ in range(4):
                workspace.finish(workspace.submit([step(script, python=python)]))
        time.sleep(LOADED_S)
        shares = [proportional(pid) for pid in [workspace.pid, *descendants(workspace.pid)]]
    return measure.Figure(
        name=f"idle memory with {environments} warm environments",
        value=f"{sum(shares) / 1e6:.1f} MB",
        target="",
        met=None,
        ratio="",
        note=f"proportional, {len(shares)} processes, after {LOADED_S:.0f} s",
    )


def first_line(repetitions: int) -> measure.Figure:
    """Server from cold, snapshot and submission by hand, until the step's first line runs."""

    def ours() -> float:
        with Workspace() as workspace:
            begin = time.time()
            snapshot = workspace.script(SAY_WHEN)
            run = workspace.submit([step(snapshot)])
            return _said(workspace, run) - begin

    measured = measure.pairs(ours, _python_twice, repetitions)
    return measure.absolute("first line of user code, by REST", measured, None, "python twice")


def first_line_of_a_program(repetitions: int) -> measure.Figure:
    """`python train_pipeline.py` from cold, until the step's first line runs."""
    variables = dict(environment(), PYTHONPATH=str(ROOT / "python"))

    def ours() -> float:
        with Workspace() as workspace:
            source = workspace.folder / "source"
            source.mkdir()
            (source / "main.py").write_text(SAY_WHEN, encoding="utf-8")
            (workspace.folder / "train_pipeline.py").write_text(PROGRAM, encoding="utf-8")
            line = [PYTHON, "train_pipeline.py"]
            begin = time.time()
            subprocess.run(
                line, cwd=workspace.folder, env=variables, stdout=subprocess.DEVNULL, check=True
            )
            run = workspace.call("GET", "/runs?kind=pipeline")["runs"][0]["id"]
            return _said(workspace, run) - begin

    measured = measure.pairs(ours, _python_twice, repetitions)
    return measure.absolute("first line of user code", measured, 0.25, "python twice")


def _said(workspace: Workspace, run: str) -> float:
    """When the only step of a run said that it runs."""
    workspace.finish(run)
    return float(workspace.log_of_only_step(run))


def _python_twice() -> float:
    """The program that submits, and the one that is submitted."""
    return measure.timed(lambda: _twice([PYTHON, "-c", "pass"]))


def _twice(line: "list[str]") -> None:
    for _ in range(2):
        subprocess.run(line, stdout=subprocess.DEVNULL, check=True)


def descendants(pid: int) -> "list[int]":
    """The processes below a process."""
    below: "list[int]" = []
    for task in os.listdir(f"/proc/{pid}/task"):
        path = f"/proc/{pid}/task/{task}/children"
        with open(path, encoding="ascii") as children:
            for child in map(int, children.read().split()):
                below += [child, *descendants(child)]
    return below


def proportional(pid: int) -> float:
    """The proportional share of a process, in bytes."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return float(line.split()[1]) * 1024
    return 0.0


def resident(pid: int) -> float:
    """The resident memory of a process, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return float(line.split()[1]) * 1024
    raise RuntimeError("the server is gone")
