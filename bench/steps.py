"""What a step costs beside the program it runs: many steps that do nothing.

The peers do nothing but start the same script with the same interpreter. They keep no log apart,
isolate nothing, and forget everything. Ours start warm, but for the first ones; the figures with
`cold` in their names switch that off, so that what we add to a start is seen by itself.

Each figure is there twice: with the interpreter at hand, packages and all, and with a bare one.
The price is the same for both; the bare one shows it larger, as its start is quicker.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Dict, List, Tuple

import measure
import runners
from workspace import PYTHON, ROOT, Workspace, bare_python, environment, step

NOTHING = "pass\n"
TARGET = 0.5
COLD_TARGET = 1.15
HEAVY = "import pandas\nfrom sklearn.linear_model import LogisticRegression\n"
HEAVY_TARGET = 0.1
ONE_STEP_MAX = 0.08

# The program of a user, end to end: it submits steps and waits for their end.
PROGRAM = """
import sys
from azureml.core import Experiment, Workspace
from azureml.pipeline.core import Pipeline, StepSequence
from azureml.pipeline.steps import PythonScriptStep

def step(number):
    return PythonScriptStep(
        "main.py", str(number), source_directory="source", compute_target="aml-cluster",
        allow_reuse=False,
    )

ws = Workspace.from_config()
steps = [step(number) for number in range(int(sys.argv[1]))]
if sys.argv[2] == "1":
    steps = StepSequence(steps=steps)
run = Experiment(ws, "bench").submit(Pipeline(workspace=ws, steps=steps))
run.wait_for_completion(show_output=False)
"""


def chain(
    length: int, repetitions: int, bare: bool = False, cold: bool = False, text: str = NOTHING
) -> measure.Figure:
    """Steps one after the other, beside a loop of the shell."""
    loop = f'for i in $(seq {length}); do "$0" main.py; done'
    with Workspace() as workspace:
        # Packages are those of the environment that this runs in.
        at_hand = sys.executable if text is HEAVY else PYTHON
        python = bare_python(workspace.folder / "bare") if bare else at_hand
        script = workspace.script(text)
        steps = [
            step(script, after=[index - 1] if index else [], python=python, cold=cold)
            for index in range(length)
        ]
        measured = _beside(loop, python, workspace, steps, repetitions)
    heavy = text is HEAVY
    name = "chain of {} {}steps{}".format(length, "pandas " if heavy else "", _suffix(bare, cold))
    target = COLD_TARGET if cold else HEAVY_TARGET if heavy else TARGET
    return measure.relative(name, measured, target, "shell loop")


def heavy(length: int, repetitions: int) -> measure.Figure:
    """Steps that import pandas and scikit-learn, one after the other."""
    return chain(length, repetitions, text=HEAVY)


def program(length: int, repetitions: int, peer: str, at_once: int = 1) -> measure.Figure:
    """A program that submits steps and waits for them, end to end, beside a peer.

    The steps are a chain, if one runs at a time. Beside the shell loop there is a target; each
    other peer must take longer.
    """
    with Workspace() as workspace:
        python = bare_python(workspace.folder / "bare")
        workspace.script(NOTHING)
        (workspace.folder / "p.py").write_text(PROGRAM, encoding="utf-8")
        variables = dict(environment(), PYTHONPATH=str(ROOT / "python"))
        source = workspace.folder / "peer"
        source.mkdir()
        (source / "main.py").write_text(NOTHING, encoding="utf-8")
        theirs = runners.command(peer, python, length, at_once, source)

        def ours() -> None:
            line = [python, "p.py", str(length), str(at_once)]
            subprocess.run(
                line, cwd=workspace.folder, env=variables, stdout=subprocess.DEVNULL, check=True
            )

        def floor() -> None:
            runners.forget(source)
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(theirs, cwd=source, env=environment(), check=True, **quiet)

        workspace.connect()
        workspace.call("PUT", "/computes/aml-cluster", {"concurrent_steps_max": max(at_once, 2)})
        ours()
        measured = measure.pairs(
            lambda: measure.timed(ours), lambda: measure.timed(floor), count=repetitions
        )
    if length == 1:
        return measure.absolute("program with one step, server warm", measured, ONE_STEP_MAX, peer)
    shape = f"a chain of {length}" if at_once == 1 else f"{length} steps"
    target = TARGET if peer == "shell loop" else 1.0
    return measure.relative(f"program with {shape}, bare", measured, target, peer)


def independent(
    count: int, at_once: int, repetitions: int, bare: bool = False, cold: bool = False
) -> measure.Figure:
    """Steps that wait for nothing, some at a time, beside `xargs -P`."""
    each = f'seq {count} | xargs -P{at_once} -n1 "$0" main.py'
    with Workspace() as workspace:
        python = bare_python(workspace.folder / "bare") if bare else PYTHON
        script = workspace.script(NOTHING)
        workspace.call("PUT", "/computes/slots", {"concurrent_steps_max": at_once})
        steps = [step(script, target="slots", python=python, cold=cold) for _ in range(count)]
        measured = _beside(each, python, workspace, steps, repetitions)
    name = f"{count:,} steps, {at_once} at a time{_suffix(bare, cold)}"
    target = COLD_TARGET if cold else TARGET
    return measure.relative(name, measured, target, f"xargs -P{at_once}")


def isolated(length: int, repetitions: int) -> measure.Figure:
    """Steps one after the other on an isolated target, beside the same on an ordinary one."""
    with Workspace() as workspace:
        python = bare_python(workspace.folder / "bare")
        script = workspace.script(NOTHING)
        setting = {"settings": {"isolation": {"readable": [str(workspace.folder / "bare")]}}}
        workspace.call("PUT", "/computes/guarded", setting)

        def chained(target: str) -> float:
            more = {"target": target, "python": python, "cold": True}
            steps = [
                step(script, after=[index - 1] if index else [], **more) for index in range(length)
            ]
            return measure.timed(lambda: workspace.finish(workspace.submit(steps)))

        chained("guarded")
        measured = measure.pairs(
            lambda: chained("guarded"), lambda: chained("local"), count=repetitions
        )
    name = f"chain of {length} isolated steps, bare python"
    return measure.relative(name, measured, COLD_TARGET, "the same, not isolated")


def _suffix(bare: bool, cold: bool) -> str:
    return (", bare python" if bare else "") + (", cold" if cold else "")


def _beside(
    command: str,
    python: str,
    workspace: Workspace,
    steps: List[Dict[str, Any]],
    repetitions: int,
) -> Tuple[measure.Pair, ...]:
    """A pipeline from its submission until its end is known, beside a command of the shell."""

    def ours() -> None:
        workspace.finish(workspace.submit(steps))

    def peer() -> None:
        with open(workspace.folder / "peer.log", "wb") as log:
            line = ["sh", "-c", command, python]
            source = workspace.folder / "source"
            subprocess.run(line, cwd=source, stdin=subprocess.DEVNULL, stdout=log, check=True)

    workspace.finish(workspace.submit(steps[:1]))
    return measure.pairs(
        lambda: measure.timed(ours), lambda: measure.timed(peer), count=repetitions
    )
