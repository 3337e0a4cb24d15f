"""A folder with an embedded server of its own, and what a test does to it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from .bodies import Json
from .client import Client, Endpoint
from .processes import Process, belonging_to
from .waiting import until

ROOT = Path(__file__).resolve().parents[2]

# The variable by which the processes of a folder are found; it means nothing to the program.
MARK = "E2E_FOLDER"


def binary() -> Path:
    """The program to test."""
    named = os.environ.get("STEPWELL_BIN")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return Path(named) if named else target / "debug" / "stepwell"


class Project:
    """A user's folder. Nothing is started until something is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / ".stepwell"
        self.client = Client(self.connect)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of every command: the caller's without what names another server."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("STEPWELL_")}
        return {**own, MARK: str(self.folder), "NO_COLOR": "1"}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Starts a command, without waiting for it."""
        settings: dict[str, Any] = {
            "cwd": self.folder,
            "env": self.variables,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        return subprocess.Popen([str(binary()), *arguments], **{**settings, **options})

    def stepwell(self, *arguments: str, code: int | None = 0, **options: Any) -> str:
        """Runs a command to its end and gives what it printed; its exit code must be `code`."""
        command = self.start(*arguments, **options)
        out, err = command.communicate(timeout=60)
        if code is not None and command.returncode != code:
            summary = (
                f"`stepwell {' '.join(arguments)}` ended with {command.returncode}, not {code}"
            )
            raise AssertionError(f"{summary}:\n{out}\n{err}")
        return out if code == 0 else err

    def program(self, files: dict[str, str], *line: str, timeout: float = 400) -> str:
        """Writes `files`, runs Python with `line` to its end, and gives what it printed."""
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        given = {name: os.environ.get(name) for name in ("STEPWELL_BIN", "PYTHONPATH")}
        variables = {**self.variables, **{name: text for name, text in given.items() if text}}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, *line]
        ran = subprocess.run(command, cwd=self.folder, env=variables, timeout=timeout, **pipes)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return str(ran.stdout)

    def connect(self) -> Endpoint:
        """Finds or starts the server."""
        reply = json.loads(self.stepwell("connect", "--json"))
        return Endpoint(reply["url"], reply["token"], reply["pid"], reply["socket"])

    def snapshot(self, files: dict[str, str]) -> str:
        """Stores files as a snapshot; its digest."""
        source = self.folder / f"source-{len(list(self.folder.glob('source-*')))}"
        for name, text in files.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        reply = json.loads(self.stepwell("snapshot", str(source), "--json"))
        return str(reply["snapshots"][0]["digest"])

    def processes(self) -> list[Process]:
        """All that lives of this folder."""
        return belonging_to(self.folder)

    def servers(self) -> list[Process]:
        """Those that serve; a child of one only looks like it until it is loaded."""
        servers = [process for process in self.processes() if process.is_server]
        known = {process.pid for process in servers}
        return [process for process in servers if process.parent not in known]

    def the_server(self) -> Process:
        """The one server."""
        (server,) = until(self.servers, lambda servers: len(servers) == 1, "there is one server")
        return server

    def attempt(self, run: str) -> list[Process]:
        """What lives of a step."""
        return [process for process in self.processes() if process.attempt == f"{run}#1"]

    def claim(self, run: str) -> Json:
        """Who has claimed the first attempt of a step: the first line of its record."""
        record = (self.data / "runs" / run / "claim.json").read_text()
        claim: Json = json.loads(record.splitlines()[0])
        return claim

    def supervisor(self, run: str) -> Process:
        """The supervisor of a step that runs."""
        pid = self.claim(run)["supervisor"]["pid"]
        return next(process for process in self.processes() if process.pid == pid)

    def kill_server(self) -> None:
        """SIGKILL, and it is gone."""
        assert self.the_server().kill()
        until(self.servers, lambda servers: not servers, "the killed server is gone")

    def check_database(self) -> None:
        """The file must be sound, whatever happened to those who wrote it."""
        with closing(sqlite3.connect(self.data / "stepwell.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []

    def close(self) -> None:
        """Stops the server; nothing may be left of it or of any step."""
        try:
            self.stepwell("stop")
            until(self.processes, lambda left: not left, "no process of the folder is left", 15)
        finally:
            for process in self.processes():
                process.kill()
