"""What a step costs beside the program it runs: many steps that do nothing.

The peers do nothing but start the same script with the same interpreter. They keep no log apart,
isolate nothing, and forget everything; what we add to that is the price of a step.

Each figure is there twice: with the interpreter at hand, packages and all, and with a bare one.
The price is the same for both; the bare one shows it larger, as its start is quicker.
"""

from __future__ import annotations

import subprocess
from typing import Any, Dict, List, Tuple

import measure
from workspace import PYTHON, Workspace, bare_python, step

NOTHING = "pass\n"
TARGET = 1.15


def chain(length: int, repetitions: int, bare: bool = False) -> measure.Figure:
    """Steps one after the other, beside a loop of the shell."""
    loop = 'for i in $(seq {}); do "$0" main.py; done'.format(length)
    with Workspace() as workspace:
        python = bare_python(workspace.folder / "bare") if bare else PYTHON
        script = workspace.script(NOTHING)
        steps = [
            step(script, after=[index - 1] if index else [], python=python)
            for index in range(length)
        ]
        measured = _beside(loop, python, workspace, steps, repetitions)
    name = "chain of {} steps{}".format(length, _suffix(bare))
    return measure.relative(name, measured, TARGET, "shell loop")


def independent(count: int, at_once: int, repetitions: int, bare: bool = False) -> measure.Figure:
    """Steps that wait for nothing, some at a time, beside `xargs -P`."""
    each = 'seq {} | xargs -P{} -n1 "$0" main.py'.format(count, at_once)
    with Workspace() as workspace:
        python = bare_python(workspace.folder / "bare") if bare else PYTHON
        script = workspace.script(NOTHING)
        workspace.call("PUT", "/computes/slots", {"concurrent_steps_max": at_once})
        steps = [step(script, target="slots", python=python) for _ in range(count)]
        measured = _beside(each, python, workspace, steps, repetitions)
    name = "{:,} steps, {} at a time{}".format(count, at_once, _suffix(bare))
    return measure.relative(name, measured, TARGET, "xargs -P{}".format(at_once))


def _suffix(bare: bool) -> str:
    return ", bare python" if bare else ""


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
