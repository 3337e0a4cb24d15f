"""Datasets as inputs of steps: what the server is sent, and what the script finds.

A step that mounts a dataset is given a folder. If the dataset is one folder of a datastore, it is
that folder; else it is a *view*, a folder of links that is made when the step is submitted. A
step that reads a dataset directly is given its id; it still names the data as an input, so that
a change of the data is a reason to run again.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import sys
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from azureml.data import _transfer
from azureml.data._files import VIEWS, Found
from azureml.data.constants import (
    DIRECT_MODE,
    DOWNLOAD_MODE,
    WORKSPACE_BLOB_DATASTORE,
)

MODES_VARIABLE = "AZUREML_DATASET_ENVIRONMENT_VARS"
OUTPUTS_VARIABLE = "AZUREML_DATASET_FILE_OUTPUTS"

_WARNED: Set[Tuple[str, str]] = set()


class StepInput(NamedTuple):
    """A dataset as a step reads it."""

    name: str
    mode: str
    dataset_id: Optional[str]
    """What a script that reads it directly is given."""
    place: Optional[Dict[str, str]]
    """Where its data is on a datastore; `None` for a table that is behind URLs."""

    @property
    def is_direct(self) -> bool:
        """Whether the script is given the dataset rather than its files."""
        return self.mode == DIRECT_MODE

    @property
    def argument(self) -> Dict[str, str]:
        """What stands for it in an argument list, as the server takes it."""
        if self.is_direct and self.dataset_id is not None:
            return {"literal": self.dataset_id}
        return {"input": self.name}


def step_input(workspace: Any, name: str, mode: str, dataset: Any) -> StepInput:
    """How a step reads `dataset`; what is needed for it is made now.

    Args:
        workspace: The workspace.
        name: The input's name.
        mode: `direct`, `mount`, `download` or `hdfs`: of a step on Spark, the folder's URI.
        dataset: A dataset, or what stands for one: a pair `(workspace, name)`, with or without a
            version, or a consumption configuration.
    """
    dataset = resolved(workspace, dataset)
    dataset._workspace = dataset._workspace or workspace
    identifier = dataset._saved_id(workspace)
    find = getattr(dataset, "_found", dataset._compared_files)
    place = _place(workspace, dataset, find(), mode)
    return StepInput(name, mode, identifier, place)


def resolved(workspace: Any, dataset: Any) -> Any:
    """The dataset that an input names."""
    if hasattr(dataset, "default_value"):
        dataset = dataset.default_value
    if hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    if isinstance(dataset, tuple):
        from azureml.data.abstract_dataset import AbstractDataset

        home, name = dataset[:2]
        version = dataset[2] if len(dataset) > 2 else "latest"
        dataset = AbstractDataset.get_by_name(home or workspace, name, version)
    return dataset


def variables(inputs: Iterable[StepInput]) -> Dict[str, str]:
    """What `Run.input_datasets` reads in the script."""
    listed = list(inputs)
    if not listed:
        return {}
    made = {MODES_VARIABLE: ",".join(f"{each.name}:{each.mode}" for each in listed)}
    made.update(
        {each.name: each.dataset_id for each in listed if each.is_direct and each.dataset_id}
    )
    return made


def wire_input(
    read: StepInput, source: Dict[str, Any], path_on_compute: Optional[str]
) -> Dict[str, Any]:
    """The input of a step as the server takes it."""
    if read.is_direct:
        return {"name": read.name, "source": source}
    download = read.mode == DOWNLOAD_MODE
    return {"name": read.name, "source": source, **wire_place(read.name, download, path_on_compute)}


def wire_place(name: str, download: bool, path_on_compute: Optional[str]) -> Dict[str, Any]:
    """How a step gets an input, where that is not by reading it in its place."""
    made: Dict[str, Any] = {"download": True} if download else {}
    path = _relative(path_on_compute)
    if path is not None:
        made["path_on_compute"] = path
    elif path_on_compute and (name, path_on_compute) not in _WARNED:
        _WARNED.add((name, path_on_compute))
        sys.stderr.write(
            f"warning: input {name} asks for its files at {path_on_compute}, which is not "
            "in the working directory of "
            "its step; the argument and run.input_datasets say where they are\n"
        )
    return made


def _relative(path: Optional[str]) -> Optional[str]:
    """A path within the step's working directory; `None` for any other."""
    if not path or posixpath.isabs(path):
        return None
    made = posixpath.normpath(path.replace("\\", "/"))
    return None if made in (".", "..") or made.startswith("../") else made


def _place(workspace: Any, dataset: Any, files: List[Found], mode: str) -> Optional[Dict[str, str]]:
    whole = _whole_place(dataset, files)
    if whole is not None:
        return whole
    if mode == DIRECT_MODE and any(each.is_url or each.is_query for each in files):
        return None  # the script fetches them itself
    datastore, path = view(workspace, files)
    if is_single_file(dataset, files):
        path = f"{path}/{files[0].name}"
    return {"datastore": datastore, "path": path}


def is_single_file(dataset: Any, files: List[Found]) -> bool:
    """Whether a step that mounts the dataset is given a file rather than a folder.

    It is when the dataset names that one file; `is_file` adds the one that a pattern finds.
    """
    definition = dataset._definition
    if len(files) != 1:
        return False
    if definition.is_file:
        return True
    if len(definition.places) != 1 or definition.reading is not None:
        return False
    if files[0].is_url:
        return True
    path = definition.places[0].get("path")
    return path is not None and files[0].source == path.strip("/")


def _whole_place(dataset: Any, files: List[Found]) -> Optional[Dict[str, str]]:
    """The place of the dataset, if there is one that holds its files and nothing else."""
    definition = dataset._definition
    if len(definition.places) != 1 or "datastore" not in definition.places[0]:
        return None
    is_table = definition.reading is not None
    if definition.steps and not is_table:
        return None
    name, path = definition.places[0]["datastore"], definition.places[0]["path"]
    store = dataset._store_of(name)
    if not store._is_here():
        is_one = len(files) == 1 and files[0].source == path
        has_magic = any(mark in path for mark in "*?")
        is_whole = is_one or (not is_one and bool(path) and not has_magic)
        return {"datastore": name, "path": path} if is_whole else None
    start = os.path.join(store._folder(), path)
    is_file = os.path.isfile(start)
    if os.path.isdir(start) and path or is_file:
        return {"datastore": name, "path": path}
    return None


def view(workspace: Any, files: List[Found]) -> Tuple[str, str]:
    """The datastore and the path of a folder of links to files, made if it is not there.

    Its name follows from what it holds, so it is never changed.
    """
    store = workspace.datastores[WORKSPACE_BLOB_DATASTORE]
    root = os.path.join(store._folder(), VIEWS)
    os.makedirs(root, exist_ok=True)
    aside = os.path.join(root, f".{os.urandom(8).hex()}.{os.getpid()}")
    try:
        os.makedirs(aside)
        _transfer.link(files, aside)
        name = _digest(files, aside)[:32]
        target = os.path.join(root, name)
        if not os.path.isdir(target):
            _rename(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return store.name, f"{VIEWS}/{name}"


def _rename(aside: str, target: str) -> None:
    try:
        os.rename(aside, target)
    except OSError:
        if not os.path.isdir(target):  # else another program has made the same view
            raise


def _digest(files: List[Found], folder: str) -> str:
    """A digest of the links and of the files that were fetched."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda each: each.name):
        total.update(f"{file.name}\0{file.location}\0".encode())
        if file.is_remote:
            with open(os.path.join(folder, file.name), "rb") as content:
                for piece in iter(lambda: content.read(1 << 20), b""):
                    total.update(piece)
    return total.hexdigest()
