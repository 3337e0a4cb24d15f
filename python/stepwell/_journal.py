"""Logged values that the server may not have yet, in a file of the step.

A script may end in ways in which Python runs nothing more: `os._exit`, `exec`, a signal, the end
of a `Pool`. What it has logged is then read from here when the step is over. The folder is the one
that `STEPWELL_SPOOL` names; without it nothing is written.

The file is lines of JSON: `{"writer", "first"}`, with `run` if the values are of the step's parent,
then one point each. It is emptied whenever the server has everything, and removed at the end.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Optional


class Journal:
    """The points of one writer that are not known to be stored."""

    def __init__(self, writer: str, run: str) -> None:
        """Points of the run `run`; only those of this step and its parent are kept."""
        self.header: Dict[str, Any] = {"writer": writer}
        self.folder: Optional[str] = None
        """The spool folder; `None` when nothing can be kept."""
        self._fd: Optional[int] = None
        self._empty = True
        own = run == os.environ.get("AZUREML_RUN_ID")
        if own or run == os.environ.get("AZUREML_ROOT_RUN_ID"):
            self.folder = os.environ.get("STEPWELL_SPOOL") or None
        if not own:
            self.header["run"] = run

    def append(self, number: int, point: Dict[str, Any]) -> None:
        """Keep a point; a folder that cannot be written to is no reason to stop a script."""
        if self.folder is None:
            return
        try:
            self._write(number, json.dumps(point, allow_nan=False))
        except (OSError, ValueError):
            pass

    def _write(self, number: int, line: str) -> None:
        if self._fd is None:
            os.makedirs(str(self.folder), exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._fd = os.open(self._path(), flags, 0o600)
        text = line + "\n"
        if self._empty:
            text = json.dumps({**self.header, "first": number}) + "\n" + text
            self._empty = False
        os.write(self._fd, text.encode("utf-8"))

    def clear(self) -> None:
        """Forget everything: the server has it, or another file."""
        if self._fd is not None and not self._empty:
            os.ftruncate(self._fd, 0)
            self._empty = True

    def remove(self) -> None:
        """Remove the file, if everything in it was forgotten."""
        if self._fd is None or not self._empty:
            return
        fd, self._fd = self._fd, None
        os.close(fd)
        try:
            os.remove(self._path())
        except OSError:
            pass

    def _path(self) -> str:
        return os.path.join(str(self.folder), self.header["writer"] + ".jsonl")
