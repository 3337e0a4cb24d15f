"""A snapshot as a ZIP, for who wants to see or run again what a run was started with.

Invariant: under its name a ZIP is whole.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from typing import Any, Optional
from urllib.parse import quote


def write_zip(client: Any, digest: str, folder: Optional[str]) -> str:
    """Write the files of a snapshot into `<folder>/<digest>.zip`; returns its path."""
    files = client.get("/snapshots/" + quote(digest, safe=""))["files"]
    folder = folder or tempfile.gettempdir()
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, digest + ".zip")
    aside = tempfile.mkdtemp(dir=folder)
    try:
        whole = os.path.join(aside, "snapshot.zip")
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                one = os.path.join(aside, "file")
                client.save("/snapshots/{}/files/{}".format(digest, file["path"]), one)
                archive.write(one, file["path"])
        os.replace(whole, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return path
