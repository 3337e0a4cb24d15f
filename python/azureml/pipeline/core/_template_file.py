"""A pipeline that is kept at the server, written as YAML to read and compare.

The file has v1's outline: the parameters, then the steps by name with their inputs, outputs and
arguments.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional

PROGRAM_NAMES = {"script": "script_name"}
TASK_NAMES = {"parameter_variables": "parameters"}
# `type` is the server's word beside the step's own; variables may hold what is not for a file.
NOT_WRITTEN = ("type", "environment", "variables")


def save(
    path: Optional[str], name: str, description: Optional[str], pipeline: Mapping[str, Any]
) -> None:
    """Write `pipeline` to `path`: a file, or a folder that gets `<name>.yml`."""
    import yaml

    target = path or os.getcwd()
    if os.path.isdir(target):
        target = os.path.join(target, "{}.yml".format(name.replace(os.sep, "_")))
    content = {"pipeline": outline(name, description, pipeline)}
    with open(target, "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file, sort_keys=False, allow_unicode=True)


def outline(name: str, description: Optional[str], pipeline: Mapping[str, Any]) -> Dict[str, Any]:
    """What the file says."""
    names = _unique([str(step["name"]) for step in pipeline["steps"]])
    return {
        "name": name,
        "description": description or "",
        "parameters": {
            parameter: {"type": declared["type"], "default": declared["default"]}
            for parameter, declared in pipeline["declared"].items()
        },
        "steps": {own: _step(step, names) for own, step in zip(names, pipeline["steps"])},
    }


def _step(step: Mapping[str, Any], names: List[str]) -> Dict[str, Any]:
    outline: Dict[str, Any] = {
        "type": step["kind"],
        "name": step["name"],
        "compute": step["target"],
        **_task(step["task"]),
        "allow_reuse": step["allow_reuse"],
        "inputs": {port["name"]: _source(port["source"], names) for port in step["inputs"]},
        "outputs": {
            port["name"]: {"destination": port["datastore"], "path": port["path"]}
            for port in step["outputs"]
        },
    }
    if step["after"]:
        outline["run_after"] = [names[earlier] for earlier in step["after"]]
    return outline


def _task(task: Mapping[str, Any]) -> Dict[str, Any]:
    """What a step does: the parts that tasks share in v1's form, all others as they are."""
    outline: Dict[str, Any] = {}
    for field, value in task.items():
        if field in NOT_WRITTEN or value in (None, "", [], {}):
            continue
        if field == "program":
            outline.update((PROGRAM_NAMES.get(name, name), text) for name, text in value.items())
        elif field == "arguments":
            outline[field] = [_argument(argument) for argument in value]
        else:
            outline[TASK_NAMES.get(field, field)] = value
    return outline


def _argument(argument: Mapping[str, Any]) -> str:
    ((kind, text),) = argument.items()
    if kind == "text":
        return "".join(
            part["literal"] if "literal" in part else f"{{{_argument(part)}}}" for part in text
        )
    return str(text) if kind == "literal" else f"{kind}:{text}"


def _source(source: Mapping[str, Any], names: List[str]) -> Dict[str, Any]:
    if "step" in source:
        return {"source": "{}/{}".format(names[source["step"]["step"]], source["step"]["output"])}
    if "parameter" in source:
        return {"source": "parameter:" + source["parameter"]}
    return dict(source["datastore"])


def _unique(names: List[str]) -> List[str]:
    """The names, those that were there before with a number behind them."""
    seen: Dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return made
