"""A Slurm cluster of three nodes on this machine, which ends with the process that started it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from .project import ROOT

SCRIPT = ROOT / "scripts" / "slurm-here"


class Slurm:
    """The cluster."""

    def __init__(self) -> None:
        # What looks after a job on a node may write its last when the rest has ended.
        self._folder = tempfile.TemporaryDirectory(
            prefix="stepwell-slurm-", ignore_cleanup_errors=True
        )
        self._keeper = subprocess.Popen(
            [str(SCRIPT), "run", self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        self.conf = self._keeper.stdout.readline().strip()
        assert self.conf, "Slurm did not start: slurmctld, slurmd, slurm-client and munge?"

    def ask(self, *command: str) -> str:
        """Runs one of Slurm's commands and gives what it prints."""
        variables = {**os.environ, "SLURM_CONF": self.conf}
        asked = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        return asked.stdout.strip()

    def jobs(self) -> list[str]:
        """The names of the jobs that are not over."""
        return self.ask("squeue", "--noheader", "--format=%j").split()

    def controller_pid(self) -> int:
        """The process that schedules."""
        return int(Path(self._folder.name, "slurmctld.pid").read_text())

    def close(self) -> None:
        """Ends it."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait(30)
        self._folder.cleanup()
