"""The embedded server is reached by the socket file in its data folder, and nobody else is."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Iterator

import pytest
from fake_server import serving

from stepwell import client as client_module
from stepwell import errors
from stepwell._connect import _find
from stepwell.client import Address, Client


def test_commands_and_programs_use_the_socket_and_never_the_port(project: Path) -> None:
    found = _find(str(project))
    assert found.socket and found.socket.endswith("/server.sock")
    with serving(lambda *_: (200, {"stolen": True})) as stranger:
        client = Client(found._replace(url=stranger.url))
        assert client.get("/workspace")["data_folder"] == found.data_folder
        assert stranger.seen == []


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A socket whose path is longer than the system's addresses, which answers one request."""
    folder = tmp_path / ("x" * 90) / ("y" * 90)
    folder.mkdir(parents=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    os.link(tmp_path / "s", folder / "server.sock")
    listener.listen()

    def answer() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # nobody came before the end of the test
            return
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield folder / "server.sock"
    listener.close()


def test_a_long_path_is_no_obstacle(deep: Path) -> None:
    assert Client(Address("http://127.0.0.1:1", "t", None, str(deep))).get("/x") == {}


def test_a_link_in_the_place_of_the_socket_is_not_followed(
    deep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PATIENCE_S", 0.1)
    link = tmp_path / "link.sock"
    link.symlink_to(deep)
    client = Client(Address("http://127.0.0.1:1", "t", None, str(link)))
    with pytest.raises(errors.ServerUnreachable, match="is no socket"):
        client.get("/x")
