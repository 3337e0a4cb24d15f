"""Inputs and outputs of a step as the server takes them.

What an output is to later programs (a registered dataset) is sent along, so that the server can
register it when the step has succeeded, whether or not this program is still there.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from azureml._not_yet import not_yet
from azureml.pipeline.core._data_kinds import OUTPUT_FILES, OUTPUT_OF_SPARK, OUTPUT_TABLE, is_a
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
    known = any(is_a(config, kind) for kind in (OUTPUT_FILES, OUTPUT_TABLE, OUTPUT_OF_SPARK))
    if config is not None and not known:
        not_yet(
            f"output `{port.name}` of step `{port.node.name}` is a "
            f"{type(config).__name__}, which cannot be written yet; use "
            "OutputFileDatasetConfig"
        )
    if config is not None:
        return configured_output(port.name, port.datastore_name, config)
    return _registered(_plain(port), port.name, port.dataset_registration, None)


def configured_output(name: str, datastore: Optional[str], config: Any) -> Dict[str, Any]:
    """An `OutputFileDatasetConfig`, or the table made of one, as an output called `name`."""
    made = _configured(name, datastore, config)
    return _registered(made, name, config._registration, config)


def _registered(made: Dict[str, Any], name: str, asked: Any, config: Any) -> Dict[str, Any]:
    registration = _registration(name, asked, config)
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


def _configured(name: str, datastore: Optional[str], config: Any) -> Dict[str, Any]:
    path = None
    if isinstance(config.destination, tuple) and len(config.destination) > 1:
        path = config.destination[1]
    made = {
        "name": name,
        "datastore": datastore,
        "path": (path or "dataset/{run-id}/{output-name}").strip("/"),
        "upload_from": config.source,
        # Spark makes it, and refuses one that is there.
        "make_folder": not is_a(config, OUTPUT_OF_SPARK),
    }
    upload = getattr(getattr(config, "_files", config), "_upload_options", None)
    if upload is not None and not upload.overwrite:
        made["keep_existing"] = True
    if upload is not None and upload.source_globs:
        made["source_globs"] = _listed(upload.source_globs)
    return made


def _listed(globs: Any) -> List[str]:
    return [globs] if isinstance(globs, str) else [str(glob) for glob in globs]


def _registration(name: str, asked: Any, config: Any) -> Optional[Dict[str, Any]]:
    """The dataset that the output becomes, if it was asked for."""
    from azureml.data import _definition, _registry

    if asked is None:
        return None
    described = config if config is not None else asked
    steps = list(getattr(described, "_transformations", None) or [])
    definition = _definition.of_output(name, steps)
    return {
        "name": asked.name,
        "kind": definition.kind,
        "definition": definition.to_json(),
        "description": getattr(asked, "description", None) or "",
        "tags": _registry.texts(getattr(asked, "tags", None)),
        "create_new_version": bool(getattr(asked, "create_new_version", True)),
    }
