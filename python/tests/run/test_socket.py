"""The embedded server is reached by its socket file, and nobody else is."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from fake_server import serving

from stepwell import client as client_module
from stepwell import errors
from stepwell._connect import _find
from stepwell.client import Address, Client


def test_commands_and_programs_use_the_socket_and_never_the_port(project: Path) -> None:
    found = _find(str(project))
    assert found.socket and os.path.exists(found.socket)
    with serving(lambda *_: (200, {"stolen": True})) as stranger:
        client = Client(found._replace(url=stranger.url))
        assert client.get("/workspace")["data_folder"] == found.data_folder
        assert stranger.seen == []


def test_a_link_in_the_place_of_the_socket_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PATIENCE_S", 0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        (tmp_path / "link").symlink_to(tmp_path / "s")
        client = Client(Address("http://127.0.0.1:1", "t", None, str(tmp_path / "link")))
        with pytest.raises(errors.ServerUnreachable, match="is no socket"):
            client.get("/x")
