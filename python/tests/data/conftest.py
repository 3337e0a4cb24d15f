"""A datastore that is a folder, with some files on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

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
