"""What a version of a module says, in the form in which the server keeps it.

A definition is plain data: ports, parameters, arguments, the script, the digest of its files and
the run configuration. Making one pushes the files; reading one touches nothing.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from azureml.pipeline.core._definitions import InputPortDef, OutputPortDef
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._parameter import PipelineParameter

Definition = Dict[str, Any]
_INPUT_FIELDS = (
    "name",
    "data_types",
    "default_datastore_mode",
    "default_path_on_compute",
    "is_optional",
    "default_overwrite",
    "default_data_reference_name",
    "is_resource",
    "label",
)
_OUTPUT_FIELDS = (
    "name",
    "default_datastore_name",
    "default_datastore_mode",
    "default_path_on_compute",
    "is_directory",
    "data_type",
    "default_overwrite",
    "label",
)
_DOTTED = re.compile(r"\d+(\.\d+)*")


class ModuleInterface(NamedTuple):
    """The inputs, outputs and parameters of a version."""

    inputs: List[InputPortDef]
    outputs: List[OutputPortDef]
    params: List[ParamDef]


def source(name: str, source_directory: Optional[str], script_name: str) -> Tuple[str, str]:
    """The absolute folder of a module's files, and its script below that.

    Raises:
        TypeError: There is no folder.
        ValueError: The folder or the script does not exist.
    """
    if source_directory is None:
        raise TypeError(f"module `{name}` needs a source_directory")
    folder = os.path.abspath(source_directory)
    if not os.path.isfile(os.path.join(folder, script_name)):
        raise ValueError(
            f"the script of module `{name}` does not exist: {os.path.join(folder, script_name)}"
        )
    return folder, os.path.normpath(script_name).replace(os.sep, "/")


def definition(
    workspace: Any,
    execution_type: str,
    inputs: Optional[Sequence[InputPortDef]],
    outputs: Optional[Sequence[OutputPortDef]],
    params: Any,
    arguments: Optional[Sequence[Any]],
    runconfig: Any,
    folder: Optional[str],
) -> Definition:
    """What a version says; pushes the files of `folder`.

    Raises:
        Exception: An argument is neither a port, a pipeline parameter nor text.
    """
    parameters = _params(params)
    written = [_argument(each, parameters) for each in arguments or []]
    if folder is not None:
        workspace._client.forget_snapshots()
    return {
        "execution_type": execution_type,
        "inputs": [_fields(each, _INPUT_FIELDS) for each in inputs or []],
        "outputs": [_fields(each, _OUTPUT_FIELDS) for each in outputs or []],
        "params": [parameters[name] for name in parameters],
        "arguments": written,
        "runconfig": None if runconfig is None else runconfig._to_dict(),
        "target": getattr(runconfig, "target", None),
        "snapshot": None if folder is None else workspace._client.push_snapshot(folder),
    }


def interface(made: Mapping[str, Any]) -> ModuleInterface:
    """The ports and parameters of a definition."""
    return ModuleInterface(
        [InputPortDef(**each) for each in made["inputs"]],
        [OutputPortDef(**each) for each in made["outputs"]],
        [
            ParamDef(
                each["name"],
                each["default"],
                set_env_var=each["set_env_var"],
                env_var_override=each["env_var_override"],
            )
            for each in made["params"]
        ],
    )


def run_config(made: Mapping[str, Any]) -> Any:
    """The run configuration of a definition, if it has one."""
    from azureml.core.runconfig import RunConfiguration

    if made["runconfig"] is None:
        return None
    return RunConfiguration._from_dict(made["runconfig"])


def resolved(
    versions: Sequence[Mapping[str, Any]], default: Optional[str], wanted: Optional[str]
) -> Mapping[str, Any]:
    """The version that a step gets; `Module.resolve` has the rule.

    Raises:
        IndexError: There is none that is not disabled.
    """
    by_version = {each["version"]: each for each in versions}
    if wanted is not None and str(wanted) in by_version:
        return by_version[str(wanted)]
    enabled = [each for each in versions if each["status"] != "disabled"]
    for each in enabled:
        if each["version"] == default:
            return each
    dotted = [each for each in enabled if _DOTTED.fullmatch(each["version"])]
    if dotted:
        return max(dotted, key=lambda each: [int(part) for part in each["version"].split(".")])
    return sorted(enabled, key=lambda each: str(each["changed_at"]))[-1]


def _fields(port: Any, names: Sequence[str]) -> Dict[str, Any]:
    return {name: getattr(port, name) for name in names}


def _params(params: Any) -> Dict[str, Dict[str, Any]]:
    """The parameters by name: of `ParamDef`s, or of defaults by name."""
    if isinstance(params, Mapping):
        params = [
            value
            if isinstance(value, ParamDef)
            else ParamDef(name, _default(value), set_env_var=True)
            for name, value in params.items()
        ]
    return {each.name: _param(each) for each in params or []}


def _param(param: ParamDef) -> Dict[str, Any]:
    return {
        "name": param.name,
        "default": param.default_value,
        "set_env_var": bool(param.set_env_var),
        "env_var_override": param.env_var_override,
    }


def _default(value: Any) -> Any:
    return value.default_value if isinstance(value, PipelineParameter) else value


def _argument(value: Any, params: Dict[str, Dict[str, Any]]) -> Dict[str, str]:
    if isinstance(value, InputPortDef):
        return {"input": value.name}
    if isinstance(value, OutputPortDef):
        return {"output": value.name}
    if isinstance(value, PipelineParameter):
        made = _param(ParamDef(value.name, value.default_value, set_env_var=True))
        params.setdefault(value.name, made)
        return {"param": value.name}
    if isinstance(value, str):
        return {"literal": value}
    raise Exception(
        f"an argument of a module is a {type(value).__name__}; pass an InputPortDef, an "
        "OutputPortDef, a "
        "PipelineParameter or text"
    )
