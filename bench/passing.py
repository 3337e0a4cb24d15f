"""Handing data from one local step to the next: it costs no copy, whatever its size.

The floor hands over a few bytes by the same two steps. What is measured is from the end of the one
to the start of the other, and the disk that both took together.
"""

from __future__ import annotations

import subprocess
from datetime import datetime
from typing import Any, Dict, List

import measure
from workspace import PYTHON, Workspace

TARGET = 1.5
MEGABYTE = 1_000_000


def passing(repetitions: int, megabytes: int) -> measure.Figure:
    """Two steps with so many megabytes between them."""
    with Workspace() as workspace:
        workspace.connect()
        measured = measure.pairs(
            lambda: _gap(workspace, megabytes), lambda: _gap(workspace, 0), repetitions
        )
        used = _disk(workspace)
    wanted = repetitions * megabytes * MEGABYTE
    figure = measure.absolute(
        f"passing {megabytes:,} MB to the next step", measured, None, "passing a byte"
    )
    times = measure.ratio(measured)
    # A sixteenth more is room for logs, the database and what a file system rounds up.
    no_copy = used <= wanted + wanted // 16 + 16 * MEGABYTE
    note = f"{figure.note}; disk use {used / max(wanted, 1):.2f} x the data"
    return figure._replace(
        target=f"<= {TARGET:.2f} x", met=times <= TARGET and no_copy, note=note
    )


def _gap(workspace: Workspace, megabytes: int) -> float:
    """Seconds from the end of the step that writes to the start of the step that reads."""
    run = workspace.submit(_steps(megabytes))
    workspace.finish(run)
    first, second = workspace.call("GET", "/runs?parent=" + run)["runs"]
    gap = _moment(second["started_at"]) - _moment(first["ended_at"])
    # Times have milliseconds; a gap of none would make the ratio meaningless.
    return max(gap, 0.001)


def _steps(megabytes: int) -> List[Dict[str, Any]]:
    write = f'head -c {megabytes}MB /dev/zero > "$0/x" && echo >> "$0/x"'
    source = {"step": {"step": 0, "output": "out"}}
    first = _step("write", write, {"output": "out"})
    first["outputs"] = [{"name": "out", "make_folder": True}]
    second = _step("read", 'test -s "$0/x"', {"input": "in"})
    second["inputs"] = [{"name": "in", "source": source}]
    return [first, second]


def _step(name: str, line: str, place: Dict[str, str]) -> Dict[str, Any]:
    """A step that is not reused: one that may be is read to know its content."""
    return {
        "name": name,
        "kind": "PythonScriptStep",
        "target": "local",
        "task": {
            "type": "process",
            "program": {"command": "sh"},
            "arguments": [{"literal": "-c"}, {"literal": line}, place],
            "environment": {"kind": "interpreter", "python": PYTHON},
        },
        "allow_reuse": False,
    }


def _moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _disk(workspace: Workspace) -> int:
    line = ["du", "-sB1", str(workspace.folder)]
    return int(subprocess.run(line, capture_output=True, check=True, text=True).stdout.split()[0])
