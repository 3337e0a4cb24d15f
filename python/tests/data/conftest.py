"""A datastore that is a folder, with some files on it."""

from __future__ import annotations

import http.server
import threading
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from azureml.data.azure_storage_datastore import AzureBlobDatastore

Write = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> AzureBlobDatastore:
    """A datastore without a workspace."""
    made = AzureBlobDatastore(None, "blob", "container", "account")
    made._root = str(tmp_path / "store")
    (tmp_path / "store").mkdir()
    return made


@pytest.fixture
def write(store: AzureBlobDatastore) -> Write:
    """Writes files, given by path and text, to the datastore."""

    def write(files: Any) -> None:
        for name, text in files.items():
            path = Path(store._folder(), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def web(store: AzureBlobDatastore, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL at which a server shows the datastore's files."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = partial(_Quiet, directory=store._folder())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
