"""What a step has asked of a workspace, kept in a file that outlives the attempt.

It is on disk before the first call, so whoever comes after a crash makes the same call with the
same idempotency token, and the workspace answers with the run it has already.
"""

from __future__ import annotations

import json
import os
import uuid
from typing import Any, Dict, Optional


class Intent(object):
    """The record of one job."""

    def __init__(self, path: str, values: Dict[str, Any]) -> None:
        self._path = path
        self._values = values

    @classmethod
    def open(cls, folder: str, workspace: str) -> Intent:
        """The record of an earlier attempt, or a new one that is on disk when this returns.

        An earlier one for another workspace does not count: its run is not to be found here.
        """
        path = os.path.join(folder, "databricks.json")
        try:
            with open(path, encoding="utf-8") as file:
                values = json.load(file)
            if values.get("workspace") == workspace and values.get("token"):
                return cls(path, values)
        except (OSError, ValueError):
            pass
        intent = cls(path, {"workspace": workspace, "token": "stepwell-" + uuid.uuid4().hex})
        intent._write()
        return intent

    @property
    def token(self) -> str:
        """The idempotency token."""
        return str(self._values["token"])

    @property
    def run_id(self) -> Optional[int]:
        """The run in the workspace, once it is known."""
        return self._values.get("run_id")

    def submitted(self, run_id: int) -> None:
        """The workspace has answered with a run."""
        self._values["run_id"] = run_id
        self._write()

    @property
    def is_staged(self) -> bool:
        """Whether the files that the run needs are in the workspace."""
        return bool(self._values.get("staged"))

    def staged(self) -> None:
        """The files are in the workspace."""
        self._values["staged"] = True
        self._write()

    def _write(self) -> None:
        part = self._path + ".part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump(self._values, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._path)
        folder = os.open(os.path.dirname(self._path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
