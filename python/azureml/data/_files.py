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
from stepwell._walk import writable

# Folders of links that represent datasets in steps; they are no data of the user's.
VIEWS = ".views"
# How the location of what a query gives begins.
QUERY = "query://"
_MAGIC = re.compile(r"[*?]")
# What a copy in progress is called.
_UNFINISHED = re.compile(r"\.\d+(-\d+)?\.part\Z")


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
    store: Any = None
    """Its datastore, when that is on another machine."""
    listed: Any = None
    """What that datastore says of it."""

    @property
    def is_url(self) -> bool:
        """Whether it is behind a URL."""
        return self.store is None and self.location.startswith(("http://", "https://"))

    @property
    def is_query(self) -> bool:
        """Whether it is what a query on a database gives."""
        return self.location.startswith(QUERY)

    @property
    def is_remote(self) -> bool:
        """Whether it has to be fetched before it can be read."""
        return self.store is not None or self.is_url


class _Match(NamedTuple):
    location: str
    root: str  # what `path` is below: a datastore, the machine, a host
    base: str  # the deepest folder that the place names without wildcards
    path: str
    datastore: Optional[str]
    store: Any = None
    listed: Any = None


def find(definition: Definition, store_of: Callable[[str], Any]) -> List[Found]:
    """The files of all places; `store_of` gives the datastore of a name.

    Raises:
        DatasetValidationError: A place without wildcards has nothing.
    """
    matches = [match for place in definition.places for match in _matches(place, store_of)]
    matches = [match for match in matches if _chosen(definition, match)]
    roots = {match.root for match in matches}
    common = _common([match.base for match in matches]) if len(roots) == 1 else None
    partition = _partitions.parser(definition.partition_format)
    found = []
    for match in matches:
        inner = posixpath.join(match.root, match.path)
        name = inner if common is None else posixpath.relpath(match.path, common or ".")
        found.append(
            Found(
                match.location,
                name,
                match.path,
                match.datastore,
                partition(match.path),
                match.store,
                match.listed,
            )
        )
    return found


def _matches(place: Place, store_of: Callable[[str], Any]) -> Iterator[_Match]:
    if "url" in place:
        yield _of_url(place["url"])
    elif "query" in place:
        yield _of_query(store_of(place["database"]), place)
    elif "datastore" in place:
        name = place["datastore"]
        store = store_of(name)
        if not store._is_here():
            for match in _on_store(store, place["path"]):
                yield match
            return
        for base, path, location in _below(store._folder(), place["path"]):
            yield _Match(location, name, base, path, name)
    elif "input" in place:
        for base, path, location in _below(_input_place(place["input"]), ""):
            yield _Match(location, "input", base, path, None)
    else:
        for base, path, location in _below("/", place["local"].lstrip("/")):
            yield _Match(location, "local", base, path, None)


# The words by which programs know that a path has no files, as two of v1's releases had them.
NOTHING_THERE = "Cannot load any data from the specified path; the provided path is not valid"


def _of_query(store: Any, place: Place) -> _Match:
    from azureml.data._queries import Query

    query = Query(store, place["query"], float(place["timeout_s"]))
    return _Match(query.location, store.name, "", query.path, None, query, query.listed())


def _of_url(url: str) -> _Match:
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/") or "index"
    return _Match(url, parts.netloc, posixpath.dirname(path), path, None)


def _input_place(name: str) -> str:
    """Where the step that this script is finds one of its inputs."""
    place = os.environ.get("AZUREML_DATAREFERENCE_" + name)
    if not place:
        raise DatasetValidationError(
            f"this dataset is what a step reads as `{name}`; it can be read in that step only"
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
        raise DatasetValidationError(f"{NOTHING_THERE}: there is no file or folder {start}")


def _on_store(store: Any, path: str) -> Iterator[_Match]:
    """The files that a path stands for on a datastore of another machine."""
    base, pattern = path, None
    files = store._list(path)
    if not files and _MAGIC.search(path):
        base, pattern = _plain_beginning(path), wildcard(path)
        files = store._list(base)
    elif not files:
        raise DatasetValidationError(
            "datastore `{}` has no file or folder {}".format(store.name, path or "at all")
        )
    elif len(files) == 1 and files[0].path == path:
        base = posixpath.dirname(path)
    for each in files:
        if pattern is None or pattern.match(each.path):
            location = f"datastore://{store.name}/{each.path}"
            yield _Match(location, store.name, base, each.path, store.name, store, each)


def _files(folder: str) -> Iterator[str]:
    skipped = os.path.join(folder, VIEWS) + os.sep
    for location in _local_files.files(folder):
        skip = location.startswith(skipped) or _UNFINISHED.search(location)
        if not skip and writable(location) == location:
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
    inner = posixpath.relpath(match.path, match.base or ".")
    return not glob or bool(wildcard(glob.lstrip("/")).match(inner))


def _common(bases: List[str]) -> str:
    """The deepest folder that holds all bases."""
    first, *others = {base.strip("/"): None for base in bases} or [""]
    parts = first.split("/") if first else []
    for other in others:
        theirs = other.split("/") if other else []
        while parts != theirs[: len(parts)]:
            parts.pop()
    return "/".join(parts)
