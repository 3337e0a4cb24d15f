"""A submission whose snapshot has not changed: what it costs to find that out.

The floor looks at every file once, as anything must that wants to know whether one has changed.
"""

from __future__ import annotations

import subprocess

import measure
from workspace import Workspace, step

FILES = 1_000
FOLDERS = 20
TARGET = 0.1


def unchanged(repetitions: int) -> measure.Figure:
    """`stepwell snapshot` of a thousand files that are stored already, and `POST /runs`."""
    with Workspace() as workspace:
        workspace.connect()
        source = workspace.folder / "source"
        for number in range(FILES):
            folder = source / f"part{number % FOLDERS}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"file{number}.py").write_text(f"# {number}\n" * 200)
        (source / "main.py").write_text("pass\n")
        # The steps of runs that were measured before must not run beside the next measurement.
        workspace.call("PUT", "/computes/slots", {"concurrent_steps_max": 1})
        submitted = []

        def submit() -> None:
            digest = workspace.snapshot(source)
            submitted.append(workspace.submit([step(digest, target="slots")]))

        def ours() -> float:
            seconds = measure.timed(submit)
            workspace.finish(submitted[-1])
            return seconds

        def look() -> None:
            line = ["find", str(source), "-printf", "%s %T@ %p\\n"]
            subprocess.run(line, stdout=subprocess.DEVNULL, check=True)

        submit()
        workspace.finish(submitted[-1])
        measured = measure.pairs(ours, lambda: measure.timed(look), repetitions)
    name = f"submit, {FILES:,} unchanged files"
    return measure.absolute(name, measured, TARGET, "`find` looking at each")
