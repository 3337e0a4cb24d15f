"""A cluster on this machine, kept by a script of the repository, which ends with the process that
started it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from .project import ROOT


class Keeper:
    """The script, its folder, and the line it printed when all was up."""

    def __init__(self, script: str, needed: str) -> None:
        self.script = ROOT / "scripts" / script
        # What looks after a job on a node may write its last when the rest has ended.
        self._folder = tempfile.TemporaryDirectory(
            prefix=f"stepwell-{script}-", ignore_cleanup_errors=True
        )
        self.folder = Path(self._folder.name)
        self._process = subprocess.Popen(
            [str(self.script), "run", self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.said = self._process.stdout.readline().strip()
        assert self.said, needed

    def call(self, command: str, *arguments: str) -> str:
        """Has the script do something with the cluster; what it printed."""
        line = [str(self.script), command, self._folder.name, *arguments]
        return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout

    def close(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._folder.cleanup()
