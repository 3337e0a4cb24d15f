"""A Slurm cluster of three nodes on this machine, which ends with the process that started it."""

from __future__ import annotations

import os
import subprocess

from .keeper import Keeper


class Slurm:
    """The cluster."""

    def __init__(self) -> None:
        needed = "Slurm did not start: slurmctld, slurmd, slurm-client and munge?"
        self._keeper = Keeper("slurm-here", needed)
        self.conf = self._keeper.said

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
        return int((self._keeper.folder / "slurmctld.pid").read_text())

    def close(self) -> None:
        """Ends it."""
        self._keeper.close()
