"""The files that the places of a dataset stand for, now.

Files come in a stable order: that of the places, and within one by name. A wildcard `*` stays
within one folder, `**` goes through all; a folder stands for all files below it.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote, urlsplit

from azureml.data import _local_files, _partitions
from azureml.data._definition import Definition, Place
from azureml.data.dataset_error_handling import DatasetValidationError

# Folders of links that stand in for datasets in steps; they are no data of the user's.
VIEWS = ".views"
_MAGIC = re.compile(r"[*?]")
# What a copy in progress is called.
_UNFINISHED = re.compile(r"\.\d+\.part\Z")


class Found(NamedTuple):
    """A file of a dataset."""

    location: str
    """Its path on this machine, or its URL."""
    name: str
    """Its path within the dataset, with `/` between the parts."""
    source: str
    """Its path on its datastore or machine, or its URL."""
    datastore: Optional[str]
    values: Dict[str, Any]
    """What its path says about it, by column."""

    @property
    def is_remote(self) -> bool:
        """Whether it is behind a URL."""
        return self.location.startswith(("http://", "https://"))


class _Match(NamedTuple):
    location: str
    root: str  # what `path` is below: a datastore, the machine, a host
    base: str  # the deepest folder that the place names without wildcards
    path: str
    datastore: Optional[str]


def find(definition: Definition, folder_of: Callable[[str], str]) -> List[Found]:
    """The files of all places; `folder_of` gives the folder of a datastore.

    Raises:
        DatasetValidationError: A place without wildcards has nothing.
    """
    matches = [match for place in definition.places for match in _matches(place, folder_of)]
    matches = [match for match in matches if _chosen(definition, match)]
    roots = {match.root for match in matches}
    common = _common([match.base for match in matches]) if len(roots) == 1 else None
    partition = _partitions.parser(definition.partition_format)
    found = []
    for match in matches:
        inner = posixpath.join(match.root, match.path)
        name = inner if common is None else posixpath.relpath(match.path, common or ".")
        found.append(
            Found(match.location, name, match.path, match.datastore, partition(match.path))
        )
    return found


def _matches(place: Place, folder_of: Callable[[str], str]) -> Iterator[_Match]:
    if "url" in place:
        yield _of_url(place["url"])
    elif "datastore" in place:
        name = place["datastore"]
        for base, path, location in _below(folder_of(name), place["path"]):
            yield _Match(location, name, base, path, name)
    elif "input" in place:
        for base, path, location in _below(_input_place(place["input"]), ""):
            yield _Match(location, "input", base, path, None)
    else:
        for base, path, location in _below("/", place["local"].lstrip("/")):
            yield _Match(location, "local", base, path, None)


def _of_url(url: str) -> _Match:
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/") or "index"
    return _Match(url, parts.netloc, posixpath.dirname(path), path, None)


def _input_place(name: str) -> str:
    """Where the step that this script is finds one of its inputs."""
    place = os.environ.get("AZUREML_DATAREFERENCE_" + name)
    if not place:
        raise DatasetValidationError(
            "this dataset is what a step reads as `{}`; it can be read in that step only".format(
                name
            )
        )
    return place


def _below(root: str, path: str) -> Iterator[Tuple[str, str, str]]:
    """Base, path below `root`, and location of each file that `path` stands for."""
    start = os.path.join(root, path) if path else root
    if os.path.isfile(start):
        yield posixpath.dirname(path), path or os.path.basename(root), start
    elif os.path.isdir(start):
        for location in _files(start):
            yield path, _relative(location, root), location
    elif _MAGIC.search(path):
        base = _plain_beginning(path)
        pattern = wildcard(path)
        for location in _files(os.path.join(root, base)):
            inner = _relative(location, root)
            if pattern.match(inner):
                yield base, inner, location
    else:
        raise DatasetValidationError("there is no file or folder {}".format(start))


def _files(folder: str) -> Iterator[str]:
    skipped = os.path.join(folder, VIEWS) + os.sep
    for location in _local_files.files(folder):
        if not location.startswith(skipped) and not _UNFINISHED.search(location):
            yield location


def _relative(location: str, root: str) -> str:
    return os.path.relpath(location, root).replace(os.sep, "/")


def _plain_beginning(path: str) -> str:
    """The folders before the first that has a wildcard."""
    parts = []
    for part in path.split("/")[:-1]:
        if _MAGIC.search(part):
            break
        parts.append(part)
    return "/".join(parts)


def wildcard(pattern: str) -> Any:
    """The expression of a path with wildcards; what it matches may be a folder, too."""
    made = ""
    place = 0
    while place < len(pattern):
        if pattern.startswith("**/", place):
            made, place = made + "(?:[^/]+/)*", place + 3
        elif pattern.startswith("**", place):
            made, place = made + ".*", place + 2
        elif pattern[place] == "*":
            made, place = made + "[^/]*", place + 1
        elif pattern[place] == "?":
            made, place = made + "[^/]", place + 1
        else:
            made, place = made + re.escape(pattern[place]), place + 1
    return re.compile(made + r"(?:/.*)?\Z")


def _chosen(definition: Definition, match: _Match) -> bool:
    """Whether the reading of the table takes this file."""
    reading = definition.reading or {}
    extension, glob = reading.get("extension"), reading.get("glob")
    if extension and not match.path.endswith(extension):
        return False
    return not glob or bool(wildcard(glob.lstrip("/")).match(match.path))


def _common(bases: List[str]) -> str:
    """The deepest folder that holds all bases."""
    first, *others = {base.strip("/"): None for base in bases} or [""]
    parts = first.split("/") if first else []
    for other in others:
        theirs = other.split("/") if other else []
        while parts != theirs[: len(parts)]:
            parts.pop()
    return "/".join(parts)
