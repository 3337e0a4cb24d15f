"""Submissions in few words: bodies of `POST /api/v1/runs`."""

from __future__ import annotations

import sys
from typing import Any

Json = Any

OF_TASK = ("environment", "variables", "timeout_seconds")
PYTHON = {"kind": "interpreter", "python": sys.executable}


def literals(*texts: object) -> list[Json]:
    """Plain arguments."""
    return [{"literal": str(text)} for text in texts]


def shell(name: str, script: str, *arguments: Json, **more: Any) -> Json:
    """A step that runs a shell script; it sees the arguments as `$1` and on, its name as `$0`."""
    task = {"program": {"command": "sh"}, "arguments": [*literals("-c", script, name), *arguments]}
    return _step(name, task, more)


def python(name: str, script: str, snapshot: str, *arguments: Json, **more: Any) -> Json:
    """A step that runs a script of a snapshot with the interpreter of the tests."""
    task = {"program": {"script": script}, "arguments": list(arguments), "snapshot": snapshot}
    return _step(name, task, more)


def _step(name: str, task: Json, more: dict[str, Any]) -> Json:
    of_task = {key: more.pop(key) for key in OF_TASK if key in more}
    return {
        "name": name,
        "kind": "PythonScriptStep",
        "target": "local",
        "task": {"type": "process", "environment": PYTHON, **task, **of_task},
        **more,
    }


def pipeline(*steps: Json, experiment: str = "e2e", **more: Any) -> Json:
    """A pipeline of steps."""
    return {"experiment": experiment, "steps": list(steps), **more}


def script(step: Json, experiment: str = "e2e", **more: Any) -> Json:
    """A run that is its one step."""
    return {"experiment": experiment, "kind": "script", "steps": [step], **more}


def reads(port: str, step: int, output: str) -> Json:
    """An input that is an output of another step."""
    return {"name": port, "source": {"step": {"step": step, "output": output}}}


def reads_path(port: str, path: str) -> Json:
    """An input that lies on the default datastore."""
    place = {"datastore": "workspaceblobstore", "path": path}
    return {"name": port, "source": {"datastore": place}}


def writes(port: str, **more: Any) -> Json:
    """An output."""
    return {"name": port, **more}
