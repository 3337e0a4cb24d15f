"""A `ParallelRunConfig` as a YAML file, below the key `parallel_run_config`.

The environment is written whole, so the file needs no workspace to be understood. A setting that
is a pipeline parameter is written as its name and its default.
"""

from __future__ import annotations

import os
from typing import Any, Dict, TypeVar

from azureml.core import _yaml_text
from azureml.pipeline.core._parameter import PipelineParameter

KEY = "parallel_run_config"
_PARAMETER = "pipeline_parameter"
_PLAIN = (
    "entry_script",
    "error_threshold",
    "output_action",
    "node_count",
    "process_count_per_node",
    "mini_batch_size",
    "source_directory",
    "description",
    "logging_level",
    "run_invocation_timeout",
    "run_max_try",
    "append_row_file_name",
    "allowed_failed_count",
    "allowed_failed_percent",
    "partition_keys",
    "environment_variables",
)

T = TypeVar("T")


def save(config: Any, path: str) -> None:
    """Write a configuration."""
    import yaml

    target = config.compute_target
    content: Dict[str, Any] = {name: _plain(getattr(config, name)) for name in _PLAIN}
    content = {name: value for name, value in content.items() if value is not None}
    content["compute_target"] = str(getattr(target, "name", target))
    content["environment"] = config.environment._to_dict()
    text = yaml.safe_dump({KEY: content}, default_flow_style=False, sort_keys=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def load(kind: "type[T]", workspace: Any, path: str) -> T:
    """Read a configuration; an object of `kind` is made of it.

    Raises:
        ValueError: There is no such file, or it holds something else.
    """
    import yaml

    from azureml.core.environment import Environment

    where = os.path.abspath(path)
    try:
        content = _yaml_text.load_file(path)
    except OSError as error:
        raise ValueError(f"{where} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is not YAML: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get(KEY), dict):
        raise ValueError(f"{where} has no `{KEY}` at its top")
    found: Dict[str, Any] = dict(content[KEY])
    unknown = sorted(set(found) - {*_PLAIN, "compute_target", "environment"})
    if unknown:
        raise ValueError("{} names {}, which is no setting".format(where, ", ".join(unknown)))
    missing = sorted({"entry_script", "environment"} - set(found))
    if missing:
        raise ValueError("{} does not name {}".format(where, ", ".join(missing)))
    given = {name: _value(value) for name, value in found.items()}
    given["environment"] = Environment._from_dict(found["environment"])
    given["compute_target"] = _target(workspace, found.get("compute_target"))
    for name, default in (("error_threshold", -1), ("node_count", 1)):
        given.setdefault(name, default)
    given.setdefault("output_action", "append_row")
    return kind(**given)


def _plain(value: Any) -> Any:
    if isinstance(value, PipelineParameter):
        return {_PARAMETER: {"name": value.name, "default_value": value.default_value}}
    return value


def _value(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {_PARAMETER}:
        return PipelineParameter(**value[_PARAMETER])
    return value


def _target(workspace: Any, name: Any) -> Any:
    """The compute target; its name alone where the workspace does not know it."""
    known = getattr(workspace, "compute_targets", None) or {}
    return known.get(name, name)
