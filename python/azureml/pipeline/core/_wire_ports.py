"""Inputs and outputs of a step as the server takes them.

What an output is to later programs (a registered dataset) is sent along, so that the server can
register it when the step has succeeded, whether or not this program is still there.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from azureml._not_yet import not_yet
from azureml.pipeline.core._data_kinds import OUTPUT_FILES, OUTPUT_TABLE, is_a
from azureml.pipeline.core._nodes import InputPort, OutputPort


def wire_input(port: InputPort, source: Dict[str, Any], dataset: Any) -> Dict[str, Any]:
    """An input; `dataset` is how the step reads it as a dataset, if it does."""
    from azureml.data._step_inputs import wire_input as of_dataset
    from azureml.data._step_inputs import wire_place

    if dataset is not None:
        sent: Dict[str, Any] = of_dataset(dataset, source, port.path_on_compute)
        return sent
    download = port.bind_mode == "download"
    how = wire_place(port.name, download, port.path_on_compute)
    return {"name": port.name, "source": source, **how}


def output(port: OutputPort) -> Dict[str, Any]:
    """An output."""
    config = port.dataset_output
    if config is not None and not is_a(config, OUTPUT_FILES) and not is_a(config, OUTPUT_TABLE):
        not_yet(
            "output `{}` of step `{}` is a {}, which cannot be written yet; use "
            "OutputFileDatasetConfig".format(port.name, port.node.name, type(config).__name__)
        )
    made = _plain(port) if config is None else _configured(port, config)
    registration = _registration(port, config)
    return {**made, "register": registration} if registration else made


def _plain(port: OutputPort) -> Dict[str, Any]:
    """A `PipelineData`."""
    uploads = port.bind_mode == "upload" and port.path_on_compute
    return {
        "name": port.name,
        "datastore": port.datastore_name,
        "path": None,
        "upload_from": port.path_on_compute if uploads else None,
        "make_folder": False,
    }


def _configured(port: OutputPort, config: Any) -> Dict[str, Any]:
    """An `OutputFileDatasetConfig`, or the table that was made of one."""
    path = None
    if isinstance(config.destination, tuple) and len(config.destination) > 1:
        path = config.destination[1]
    made = {
        "name": port.name,
        "datastore": port.datastore_name,
        "path": (path or "dataset/{run-id}/{output-name}").strip("/"),
        "upload_from": config.source,
        "make_folder": True,
    }
    upload = getattr(getattr(config, "_files", config), "_upload_options", None)
    if upload is not None and not upload.overwrite:
        made["keep_existing"] = True
    if upload is not None and upload.source_globs:
        made["source_globs"] = _listed(upload.source_globs)
    return made


def _listed(globs: Any) -> List[str]:
    return [globs] if isinstance(globs, str) else [str(glob) for glob in globs]


def _registration(port: OutputPort, config: Any) -> Optional[Dict[str, Any]]:
    """The dataset that the output becomes, if it was asked for."""
    from azureml.data import _definition, _registry

    asked = port.dataset_registration
    if config is not None:
        asked = config._registration
    if asked is None:
        return None
    described = config if config is not None else asked
    steps = list(getattr(described, "_transformations", None) or [])
    definition = _definition.of_output(port.name, steps)
    return {
        "name": asked.name,
        "kind": definition.kind,
        "definition": definition.to_json(),
        "description": getattr(asked, "description", None) or "",
        "tags": _registry.texts(getattr(asked, "tags", None)),
        "create_new_version": bool(getattr(asked, "create_new_version", True)),
    }
