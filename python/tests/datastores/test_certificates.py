"""Stores whose certificate comes from an authority of the user's own."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path
from typing import Any, Iterator

import peers
import pytest

from azureml.core import Datastore, Workspace
from azureml.exceptions import UserErrorException


def register(workspace: Workspace, lake: peers.Lake) -> Any:
    name = "own-" + uuid.uuid4().hex[:12]
    return Datastore.register_azure_blob_container(
        workspace,
        name,
        container_name=name,
        account_name=peers.ACCOUNT,
        account_key=peers.KEY,
        endpoint=lake.tls_endpoint,
        create_if_not_exists=True,
    )


@pytest.fixture
def trusting(
    served: Path, lake: peers.Lake, project: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A workspace with a server of its own, which trusts the authority."""
    monkeypatch.setenv("STEPWELL_DATA", str(project / ".stepwell"))
    monkeypatch.setenv("SSL_CERT_FILE", str(lake.certificate_authority))
    yield Workspace.from_config()
    subprocess.run([os.environ["STEPWELL_BIN"], "stop"], check=False)


def test_a_certificate_of_an_unknown_authority_is_refused_and_named(
    workspace: Workspace, lake: peers.Lake
) -> None:
    with pytest.raises(UserErrorException, match="cannot be reached.*certificate"):
        register(workspace, lake)


def test_an_authority_that_the_server_is_told_of_is_trusted(
    trusting: Workspace, lake: peers.Lake, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("a")
    store = register(trusting, lake)
    store.upload(str(tmp_path / "in"), show_progress=False)
    assert store.download(str(tmp_path / "out"), show_progress=False) == 1
