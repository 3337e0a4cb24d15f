"""A pipeline that is kept at the server, written as YAML to read and compare.

The file has v1's outline: the parameters, then the steps by name with their inputs, outputs and
arguments.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional


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
    task = step["task"]
    program = task.get("program") or {}
    said: Dict[str, Any] = {"type": step["kind"], "name": step["name"], "compute": step["target"]}
    if "script" in program:
        said["script_name"] = program["script"]
    if "command" in program:
        said["command"] = program["command"]
    said["allow_reuse"] = step["allow_reuse"]
    if task.get("snapshot"):
        said["snapshot"] = task["snapshot"]
    said["arguments"] = [_argument(argument) for argument in task.get("arguments") or []]
    if task.get("parameter_variables"):
        said["parameters"] = dict(task["parameter_variables"])
    said["inputs"] = {port["name"]: _source(port["source"], names) for port in step["inputs"]}
    said["outputs"] = {
        port["name"]: {"destination": port["datastore"], "path": port["path"]}
        for port in step["outputs"]
    }
    if step["after"]:
        said["run_after"] = [names[earlier] for earlier in step["after"]]
    return said


def _argument(argument: Mapping[str, str]) -> str:
    ((kind, text),) = argument.items()
    return text if kind == "literal" else "{}:{}".format(kind, text)


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
        made.append(name if seen[name] == 1 else "{}_{}".format(name, seen[name]))
    return made
