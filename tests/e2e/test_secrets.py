"""`stepwell secrets`: a text comes from standard input or a prompt, and no output shows one."""

from __future__ import annotations

import json
import os
import pty
import subprocess

from .client import Client
from .project import Project
from .waiting import until

HIDDEN = "hidden-of-this-test"


def kept(client: Client, name: str) -> str:
    return str(client.get(f"/secrets/{name}")["value"])


def test_a_secret_is_set_from_standard_input_listed_and_deleted(
    project: Project, client: Client
) -> None:
    assert client.get("/secrets") == {"secrets": []}
    assert "no secrets" in noted(project, "secrets")

    def give(text: str, *arguments: str, code: int = 0) -> str:
        command = project.start("secrets", "set", *arguments, stdin=subprocess.PIPE)
        out, err = command.communicate(text, timeout=60)
        assert command.returncode == code, (out, err)
        assert HIDDEN not in out + err
        return out + err

    assert "`db` is set" in give(HIDDEN + "\n", "db")
    assert kept(client, "db") == HIDDEN
    stored = json.loads(give(f"{HIDDEN}\n{HIDDEN}\r\n", "key", "--content-type", "pem", "--json"))
    assert stored["content_type"] == "pem" and kept(client, "key") == f"{HIDDEN}\n{HIDDEN}"
    assert "empty" in give("\n", "db", code=2)
    assert "letters, digits" in give(HIDDEN, "a_b", code=5)
    assert kept(client, "db") == HIDDEN, "what was refused changed nothing"

    listed = project.stepwell("secrets")
    assert "db" in listed and "pem" in listed and HIDDEN not in listed
    names = [each["name"] for each in json.loads(project.stepwell("secrets", "list", "--json"))]
    assert names == ["db", "key"]
    assert "did you mean `key`?" in project.stepwell("secrets", "delete", "kex", code=3)
    project.stepwell("secrets", "delete", "KEY")
    assert client.request("GET", "/secrets/key").status == 404
    assert HIDDEN not in project.stepwell("audit", "--json")


def noted(project: Project, *arguments: str) -> str:
    """What a command says on standard error."""
    command = project.start(*arguments)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0
    return err


def test_a_secret_that_is_typed_is_not_shown(project: Project, client: Client) -> None:
    ours, theirs = pty.openpty()
    command = project.start("secrets", "set", "db", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""

    def read_on() -> bytes:
        nonlocal shown
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the last who had it open has ended
            pass
        return shown

    until(read_on, lambda text: b"text of `db`: " in text, "it asks")
    os.write(ours, HIDDEN.encode() + b"\n")
    until(read_on, lambda text: b"is set" in text, "it is set")
    assert command.wait(60) == 0
    os.close(ours)
    assert HIDDEN.encode() not in shown
    assert kept(client, "db") == HIDDEN
