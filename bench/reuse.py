"""A second run in which nothing has changed: what it costs to decide that, each step with a reason.

The floor is `make`, which looks at the times of as many files and decides the same; it reads no
content and gives no reasons.
"""

from __future__ import annotations

import subprocess
from typing import Any, Dict, List

import measure
from workspace import PYTHON, Workspace

STEPS = 1_000
TARGET = 0.3


def side_by_side(repetitions: int) -> measure.Figure:
    """A thousand unchanged steps that do not depend on each other."""
    return _second_run("side by side", repetitions, chained=False)


def chain(repetitions: int) -> measure.Figure:
    """A thousand unchanged steps, each of which reads what the one before has written."""
    return _second_run("a chain", repetitions, chained=True)


def _second_run(shape: str, repetitions: int, chained: bool) -> measure.Figure:
    with Workspace() as workspace:
        workspace.connect()
        steps = [_step(number, chained) for number in range(STEPS)]
        workspace.finish(workspace.submit(steps))
        _check_reused(workspace, steps)
        makefile = _makefile(workspace, chained)

        def ours() -> float:
            return measure.timed(lambda: workspace.finish(workspace.submit(steps)))

        def floor() -> float:
            return measure.timed(lambda: _make(makefile))

        measured = measure.pairs(ours, floor, repetitions)
    name = f"{STEPS:,} unchanged steps, {shape}"
    return measure.absolute(name, measured, TARGET, "`make` looking at as many files")


def _step(number: int, chained: bool) -> Dict[str, Any]:
    """A step that writes a file of its own."""
    made: Dict[str, Any] = {
        "name": f"step {number}",
        "kind": "PythonScriptStep",
        "target": "local",
        "task": {
            "type": "process",
            "program": {"command": "sh"},
            "arguments": [
                {"literal": "-c"},
                {"literal": 'echo "$0" > "$1/x"'},
                {"literal": str(number)},
                {"output": "out"},
            ],
            "environment": {"kind": "interpreter", "python": PYTHON},
        },
        "outputs": [{"name": "out", "make_folder": True}],
        "allow_reuse": True,
    }
    if chained and number:
        source = {"step": {"step": number - 1, "output": "out"}}
        made["inputs"] = [{"name": "before", "source": source}]
    return made


def _check_reused(workspace: Workspace, steps: List[Dict[str, Any]]) -> None:
    """A figure of steps that ran would tell nothing."""
    run = workspace.submit(steps)
    workspace.finish(run)
    why = workspace.call("GET", f"/runs/{run}/why")["steps"]
    others = [step["step"] for step in why if step["outcome"] != "reused"]
    if others or not all(step["reasons"] for step in why):
        raise RuntimeError(f"not reused, or without a reason: {others[:5]}")


def _makefile(workspace: Workspace, chained: bool) -> str:
    """A file for `make` with as many targets, all made already."""
    folder = workspace.folder / "make"
    folder.mkdir()
    lines = ["all: {}".format(" ".join(f"t{number}" for number in range(STEPS)))]
    for number in range(STEPS):
        before = f" t{number - 1}" if chained and number else ""
        lines.append(f"t{number}:{before}\n\techo {number} > t{number}")
    (folder / "Makefile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _make(str(folder))
    return str(folder)


def _make(folder: str) -> None:
    subprocess.run(["make", "-s", "-C", folder], stdout=subprocess.DEVNULL, check=True)
