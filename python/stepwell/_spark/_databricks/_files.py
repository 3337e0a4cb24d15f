"""Files to and from a workspace: the source directory, and data of datastores it cannot reach.

Files go to DBFS in blocks of 1 MiB, notebooks to the workspace's own folder. Source: DBFS API 2.0
and Workspace API 2.0.
"""

from __future__ import annotations

import base64
import os
from typing import Iterator, Tuple

from stepwell._spark._databricks._api import Api, Interrupted, Refused

BLOCK = 1 << 20  # bytes; the most that one call takes
TRIES_MAX = 4


def upload(api: Api, path: str, to: str) -> int:
    """Copy a file or a folder to DBFS; gives the number of files."""
    count = 0
    for file, name in _files(path):
        _upload_file(api, file, to + ("/" + name if name else ""))
        count += 1
    return count


def _upload_file(api: Api, path: str, to: str) -> None:
    """Copy one file; begun anew when it is not known whether a block has arrived."""
    for _ in range(TRIES_MAX - 1):
        try:
            return _upload_once(api, path, to)
        except Interrupted:
            continue
    _upload_once(api, path, to)


def _upload_once(api: Api, path: str, to: str) -> None:
    with open(path, "rb") as file:
        handle = api.post("/api/2.0/dbfs/create", {"path": _bare(to), "overwrite": True})["handle"]
        while True:
            block = file.read(BLOCK)
            if not block:
                break
            data = base64.b64encode(block).decode("ascii")
            api.post_once("/api/2.0/dbfs/add-block", {"handle": handle, "data": data})
        api.post_once("/api/2.0/dbfs/close", {"handle": handle})


def download(api: Api, path: str, to: str) -> int:
    """Copy a file or a folder from DBFS; gives the number of files."""
    status = api.get("/api/2.0/dbfs/get-status", **{"path": _bare(path)})
    if not status.get("is_dir"):
        os.makedirs(os.path.dirname(to), exist_ok=True)
        _download_file(api, path, to)
        return 1
    os.makedirs(to, exist_ok=True)
    count = 0
    for entry in api.get("/api/2.0/dbfs/list", **{"path": _bare(path)}).get("files") or []:
        name = os.path.basename(entry["path"].rstrip("/"))
        if name in ("", ".", ".."):
            continue
        count += download(api, entry["path"], os.path.join(to, name))
    return count


def _download_file(api: Api, path: str, to: str) -> None:
    offset = 0
    with open(to + ".part", "wb") as file:
        while True:
            answer = api.get(
                "/api/2.0/dbfs/read", **{"path": _bare(path)}, offset=offset, length=BLOCK
            )
            data = base64.b64decode(answer.get("data") or "")
            if not data:
                break
            file.write(data)
            offset += len(data)
    os.replace(to + ".part", to)


def import_notebooks(api: Api, folder: str, to: str) -> int:
    """Copy a folder to the workspace, where its notebooks become notebooks.

    The format `AUTO` knows notebooks by their first line, as the workspace itself does.
    """
    count = 0
    api.post("/api/2.0/workspace/mkdirs", {"path": to})
    for file, name in _files(folder):
        if "/" in name:
            api.post("/api/2.0/workspace/mkdirs", {"path": to + "/" + os.path.dirname(name)})
        with open(file, "rb") as content:
            data = base64.b64encode(content.read()).decode("ascii")
        body = {"path": to + "/" + name, "format": "AUTO", "content": data, "overwrite": True}
        api.post("/api/2.0/workspace/import", body)
        count += 1
    return count


def remove(api: Api, path: str) -> None:
    """Remove a folder of DBFS; one that is not there is removed."""
    try:
        api.post("/api/2.0/dbfs/delete", {"path": _bare(path), "recursive": True})
    except Refused as refused:
        if refused.code != "RESOURCE_DOES_NOT_EXIST":
            raise


def _files(path: str) -> Iterator[Tuple[str, str]]:
    """The files below a path, with their names below it; of a file itself, no name."""
    if os.path.isfile(path):
        yield path, ""
    for folder, names, files in os.walk(path):
        names.sort()
        for name in sorted(files):
            full = os.path.join(folder, name)
            yield full, os.path.relpath(full, path).replace(os.sep, "/")


def _bare(path: str) -> str:
    """The path of DBFS without its scheme, as its API takes it."""
    return path[len("dbfs:") :] if path.startswith("dbfs:") else path
