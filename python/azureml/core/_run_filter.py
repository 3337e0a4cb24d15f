"""Which runs a caller wants: v1's words for kinds, and its ways to ask for tags.

A tag filter is a key that must be there, a dictionary of keys and values (`None` for any value),
or a list of keys.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional, Union

from azureml.core._run_details import is_internal

TagFilter = Union[str, Mapping[str, Any], Iterable[str], None]

TYPES: Dict[str, str] = {
    "pipeline": "azureml.PipelineRun",
    "step": "azureml.StepRun",
    "script": "azureml.scriptrun",
}


# Runs that are more than a script, by a property that v1 gives them.
TEMPLATES: Dict[str, str] = {"HyperDrive": "hyperdrive", "AutoML": "automl"}


def type_of(record: Mapping[str, Any]) -> Optional[str]:
    """The v1 word for the kind of a run; runs that a program opens itself have none."""
    if record["kind"] == "script":
        template = record["properties"].get("runTemplate")
        if template in TEMPLATES:
            return TEMPLATES[template]
    return TYPES.get(record["kind"])


def properties_of(record: Mapping[str, Any]) -> Dict[str, str]:
    """The properties of a run, with those that v1 gives each step."""
    known = record["properties"].items()
    properties = {name: value for name, value in known if not is_internal(name)}
    if record["snapshot"]:
        properties["ContentSnapshotId"] = str(record["snapshot"])
    if record["kind"] in ("step", "script"):
        properties["_azureml.ComputeTargetType"] = "local"
    if record["kind"] == "step":
        properties["azureml.runsource"] = "azureml.StepRun"
        properties["azureml.pipelinerunid"] = str(record["parent"])
        properties["StepType"] = str(record["step_kind"])
    return properties


def kind_of(type: Optional[str]) -> Optional[str]:
    """The server's word for a v1 type; `None` for types that it cannot select by."""
    for kind, name in TYPES.items():
        if name == type:
            return kind
    return None


def has(values: Mapping[str, str], wanted: TagFilter) -> bool:
    """Whether tags or properties fit a filter."""
    if not wanted:
        return True
    if isinstance(wanted, str):
        return wanted in values
    if isinstance(wanted, Mapping):
        return all(
            key in values and (value is None or values[key] == str(value))
            for key, value in wanted.items()
        )
    return all(key in values for key in wanted)


def fits(
    record: Mapping[str, Any],
    type: Optional[str] = None,
    tags: TagFilter = None,
    properties: TagFilter = None,
    status: Optional[str] = None,
) -> bool:
    """Whether a run is what was asked for."""
    return (
        (type is None or type_of(record) == type)
        and (status is None or record["status"] == status)
        and has(record["tags"], tags)
        and has(properties_of(record), properties)
    )
