"""From what a program passes as `path` to the places of a dataset."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from azureml._not_yet import not_yet
from azureml.data import _local_files
from azureml.data._definition import Place
from azureml.exceptions import UserErrorException

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Given(NamedTuple):
    """The places a program named, and the datastores it named them by."""

    places: Tuple[Place, ...]
    datastores: Dict[str, Any]


def given(path: Any) -> Given:
    """The places that `path` names.

    Args:
        path: A local path, a URL, a `DataPath`, a `DataReference`, a datastore, a pair of a
            datastore and a path or a list of paths, or a list of all these.

    Raises:
        UserErrorException: It names nothing.
    """
    places: List[Place] = []
    datastores: Dict[str, Any] = {}
    for place, datastore in _each(path):
        places.append(place)
        if datastore is not None:
            datastores[datastore.name] = datastore
    if not places:
        raise UserErrorException("path is empty; name at least one file or folder")
    return Given(tuple(places), datastores)


def _each(path: Any) -> Iterator[Tuple[Place, Any]]:
    if isinstance(path, (str, os.PathLike)):
        yield _text(os.fspath(path)), None
    elif isinstance(path, tuple) and len(path) == 2 and _is_datastore(path[0]):
        for each in path[1] if isinstance(path[1], (list, tuple)) else [path[1]]:
            yield _on_datastore(path[0], each), path[0]
    elif isinstance(path, (list, tuple)):
        for each in path:
            for found in _each(each):
                yield found
    elif _is_datastore(path):
        yield _on_datastore(path, ""), path
    elif hasattr(path, "path_on_datastore"):
        datastore = getattr(path, "datastore", None) or getattr(path, "_datastore", None)
        if datastore is None:
            raise UserErrorException("the data path names no datastore")
        yield _on_datastore(datastore, path.path_on_datastore or ""), datastore
    else:
        raise UserErrorException(
            f"a {type(path).__name__} names no files; pass a path, a URL, or a pair "
            "(datastore, path)"
        )


def _is_datastore(value: Any) -> bool:
    return hasattr(value, "datastore_type") and hasattr(value, "name")


def _on_datastore(datastore: Any, path: Any) -> Place:
    if not isinstance(path, (str, os.PathLike)):
        raise UserErrorException(f"a path on a datastore is a text, not {path!r}")
    return {"datastore": datastore.name, "path": _local_files.relative(os.fspath(path))}


def _text(text: str) -> Place:
    if not text:
        raise UserErrorException("path is empty; name a file or folder")
    scheme = _SCHEME.match(text)
    if scheme is None:
        return {"local": os.path.abspath(os.path.expanduser(text)).replace(os.sep, "/")}
    if scheme.group().lower() not in ("http://", "https://"):
        not_yet(
            f"{text} cannot be read yet; upload the files to the default datastore and pass "
            "(datastore, path)"
        )
    if "*" in text:
        raise UserErrorException(
            f"{text} holds a wildcard, and files behind a URL cannot be listed; name each file"
        )
    return {"url": text}


def target(value: Any) -> Tuple[Any, str]:
    """The datastore and the path that a program names as a place to write to."""
    made = given(value)
    place = made.places[0]
    if len(made.places) != 1 or "datastore" not in place:
        raise UserErrorException(
            f"target is a DataPath, a datastore, or a pair (datastore, path), not {value!r}"
        )
    return made.datastores[place["datastore"]], place["path"]
