"""The table of faulty submissions: one fault each in a body that is good otherwise.

Invariant: a fault does no harm if it is not refused after all. The steps do nothing, and a path
that leads out leads to a place below `/dev/null`, where nothing can be made, moved or replaced.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

from .bodies import Json, pipeline, reads, shell, writes


class Fault(NamedTuple):
    """What is wrong, how to make it so, and what the refusal must say and advise."""

    name: str
    spoil: Callable[[Json], object]
    says: str
    hints: str = ""


def good() -> Json:
    """Two steps, the second of which reads what the first makes."""
    inputs, outputs = [reads("made", 0, "made")], [writes("made")]
    first = shell("first", ":", {"output": "made"}, outputs=outputs)
    return pipeline(first, shell("second", ":", {"input": "made"}, inputs=inputs))


def run(**change: Any) -> Callable[[Json], object]:
    """Changes the run."""
    return lambda body: body.update(change)


def step(index: int = 1, **change: Any) -> Callable[[Json], object]:
    """Changes a step, the second unless another is named."""
    return lambda body: body["steps"][index].update(change)


def task(**change: Any) -> Callable[[Json], object]:
    """Changes what the second step does."""
    return lambda body: body["steps"][1]["task"].update(change)


def argument(**added: Any) -> Callable[[Json], object]:
    """Adds an argument to the second step."""
    return lambda body: body["steps"][1]["task"]["arguments"].append(added)


def output(**change: Any) -> Callable[[Json], object]:
    """Changes the output."""
    return lambda body: body["steps"][0]["outputs"][0].update(change)


def source(**place: Any) -> Callable[[Json], object]:
    """Changes where the second step reads."""
    return lambda body: body["steps"][1]["inputs"][0].update(source=place)


def twice(index: int, ports: str) -> Callable[[Json], object]:
    """Lists a port twice."""
    return lambda body: body["steps"][index].update({ports: body["steps"][index][ports] * 2})


OUTSIDE = {"datastore": "workspaceblobstore", "path": "a/../../x"}

GRAPHS = [
    Fault("a cycle", step(0, after=[1]), "second -> first -> second"),
    Fault("a step that waits for itself", step(after=[1]), "second -> second"),
    Fault("an unknown step", step(after=[7]), "step number 7"),
    Fault("an unknown output", source(step={"step": 0, "output": "no"}), "output `no`"),
    Fault("two inputs of one name", twice(1, "inputs"), "two inputs named `made`"),
    Fault("two outputs of one name", twice(0, "outputs"), "two outputs named `made`"),
]

BODIES = [
    Fault("an unknown field", run(experimnet="x"), "experimnet"),
    Fault("an unknown field of a step", step(allow_reus=True), "allow_reus"),
    Fault("an unknown kind of task", task(type="magic"), "magic"),
    Fault("no list of steps", lambda body: body.pop("steps"), "steps"),
    Fault("a number for a name", step(name=3), "expected a string"),
    Fault("a negative step number", step(after=[-1]), "-1"),
    Fault("text for a timeout", task(timeout_seconds="1h"), "1h"),
    Fault("an unknown kind of run", run(kind="job"), "`job`", "`pipeline`"),
    Fault("a script of two steps", run(kind="script"), "exactly one step"),
    Fault("an experiment without a name", run(experiment=" "), "experiment", "255"),
    Fault("a slash in an experiment", run(experiment="a/b"), "`a/b`", "slashes"),
    Fault("a snapshot that is no digest", task(snapshot="xyz"), "step `second`"),
    Fault("an unknown snapshot", task(snapshot="0" * 64), "does not have", "stepwell snapshot"),
    Fault("a script outside its folder", task(program={"script": "../x.py"}), "`../x.py`"),
    Fault("two programs", task(program={"script": "x", "command": "y"}), "does not fit"),
    Fault("a variable that is none", task(variables={"A=B": "c"}), "`A=B`"),
    Fault("an argument of no input", argument(input="no"), "the input `no`"),
    Fault("an argument of no output", argument(output="no"), "the output `no`"),
    Fault("an argument of no parameter", argument(parameter="no"), "pipeline parameter `no`"),
    Fault("a dash in the name of a port", output(name="a-b"), "`a-b`", "underscores"),
    Fault("an unknown datastore", output(datastore="s3"), "`s3`", "workspaceblobstore"),
    Fault("an output outside the datastore", output(path="../../x"), "leads out"),
    Fault("an input outside the datastore", source(datastore=OUTSIDE), "leads out"),
    Fault("an upload from beside the folder", output(upload_from="../x"), "`../x`", "relative"),
    Fault("an upload from anywhere", output(upload_from="/dev/null/x"), "`/dev/null/x`"),
]
