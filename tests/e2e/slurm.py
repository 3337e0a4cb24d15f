"""A Slurm cluster of three nodes on this machine, which ends with the process that started it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

from .disk import SmallDisk
from .keeper import Keeper
from .processes import belonging_to
from .waiting import until


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

    def kill_node(self, name: str) -> None:
        """Kills the daemon of a node and all that looks after jobs there."""
        daemon = int((self._keeper.folder / f"slurmd-{name}.pid").read_text())
        keepers = [each for each in belonging_to(self._keeper.folder) if each.name == "slurmstepd:"]
        os.kill(daemon, signal.SIGKILL)
        for keeper in keepers:
            if keeper.variables().get("SLURMD_NODENAME") == name:
                keeper.kill()

    def state(self, name: str) -> str:
        """Whether a node takes jobs, and why not."""
        asked = ("sinfo", "--noheader", "--nodes", name, "--format=%t %E", "--partition=work")
        return self.ask(*asked)

    def start_node(self, name: str) -> None:
        """Starts a node's daemon again, and waits until the node takes jobs."""
        self._keeper.call("node", name)
        until(lambda: self.state(name), lambda state: state == "idle none", f"{name} is idle", 60)

    def small_disk(self, name: str) -> SmallDisk | None:
        """Has a node keep what Slurm needs for its jobs there on a disk of its own."""
        self.kill_node(name)
        folder = self._keeper.folder / f"spool-{name}"
        shutil.rmtree(folder)
        disk = SmallDisk.mount(folder, megabytes=1)
        self.start_node(name)
        return disk

    def resume(self, name: str) -> None:
        """Gives back a node, if Slurm has taken it out of use."""
        if "drain" in self.state(name):
            self.ask("scontrol", "update", f"nodename={name}", "state=resume")

    def rest(self) -> tuple[str, str]:
        """Starts its REST API; the address, and the file with a token for it."""
        address = self._keeper.call("rest").strip()
        return address, str(self._keeper.folder / "token")

    def close(self) -> None:
        """Ends it."""
        self._keeper.close()
