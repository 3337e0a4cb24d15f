"""Schedules written as YAML, in v1's outline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping

from azureml.core import _yaml_text
from azureml.exceptions import UserErrorException
from azureml.pipeline.core._recurrence import ScheduleRecurrence
from azureml.pipeline.core._time_zones import TimeZone

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

# What stands in the file and is an argument of `Schedule.create` under the same name.
_AS_WRITTEN = (
    "description",
    "pipeline_parameters",
    "wait_for_provisioning",
    "wait_timeout",
    "polling_interval",
    "data_path_parameter_name",
    "continue_on_step_failure",
    "path_on_datastore",
)
_RECURRENCE = (
    "frequency",
    "interval",
    "start_time",
    "time_zone",
    "hours",
    "minutes",
    "week_days",
    "time_of_day",
)


def load(workspace: Workspace, filename: str) -> Dict[str, Any]:
    """The arguments of `Schedule.create` that a file holds.

    Raises:
        UserErrorException: The file is not YAML.
        ValueError: The file has no schedule, or a part of it is not known.
    """
    content = _content(filename)
    written = content.get("Schedule") if isinstance(content, dict) else None
    if not isinstance(written, dict):
        raise ValueError(f"`{filename}` has no part `Schedule`")
    _check(filename, "Schedule", written, (*_AS_WRITTEN, "recurrence", "datastore_name"))
    made = {name: written[name] for name in _AS_WRITTEN if name in written}
    if written.get("recurrence") is not None:
        made["recurrence"] = _recurrence(filename, written["recurrence"])
    if written.get("datastore_name") is not None:
        from azureml.core import Datastore

        made["datastore"] = Datastore.get(workspace, written["datastore_name"])
    return made


def _content(filename: str) -> Any:
    import yaml

    try:
        return _yaml_text.load_file(filename)
    except yaml.YAMLError as error:
        raise UserErrorException(f"{filename} is not YAML: {error}") from error


def _recurrence(filename: str, written: Any) -> ScheduleRecurrence:
    if not isinstance(written, dict):
        raise ValueError(f"`recurrence` of `{filename}` has no parts")
    _check(filename, "recurrence", written, _RECURRENCE)
    parts = dict(written)
    zone = parts.get("time_zone")
    if isinstance(zone, str):
        known = {each.name: each for each in TimeZone}
        parts["time_zone"] = known.get(zone) or _by_value(zone)
    made = ScheduleRecurrence(parts.pop("frequency", None), parts.pop("interval", None), **parts)
    made.validate()
    return made


def _by_value(name: str) -> Any:
    try:
        return TimeZone(name)
    except ValueError:
        return name


def _check(filename: str, part: str, written: Mapping[str, Any], known: Any) -> None:
    unknown = sorted(str(name) for name in written if name not in known)
    if unknown:
        raise ValueError(
            "`{}` of `{}` has `{}`; it takes {}".format(
                part, filename, "`, `".join(unknown), ", ".join(known)
            )
        )
