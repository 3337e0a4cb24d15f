"""The processes of one test, read from `/proc`.

A process belongs to a folder if the folder stands in its variables or its command line: every
command of a test is started with the folder in a variable, and children inherit it.

Invariant: nothing is signalled that does not belong to the folder, whatever its number.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

# The mark of every process of an attempt, and of its kinds by command line.
ATTEMPT = "STEPWELL_ATTEMPT"


@dataclass(frozen=True)
class Process:
    """One process, at the moment it was looked at."""

    pid: int
    start_ticks: int
    parent: int
    group: int
    argv: tuple[str, ...]
    attempt: str | None

    @property
    def name(self) -> str:
        """The program, without its path."""
        return Path(self.argv[0]).name if self.argv else ""

    @property
    def is_server(self) -> bool:
        """Whether it serves."""
        return self.name == "stepwell" and "serve" in self.argv

    @property
    def is_supervisor(self) -> bool:
        """Whether it supervises a step, or stands by to."""
        return self.name == "stepwell-supervise"

    @property
    def is_loaded(self) -> bool:
        """Whether it is an interpreter that is loaded for steps to come, or its fork in hand."""
        return self.argv[1:2] == ("stepwell-zygote",)

    @property
    def is_step(self) -> bool:
        """Whether it is the main process of a step."""
        return self.attempt is not None and self.group == self.pid

    def variables(self) -> dict[str, str]:
        """Its environment as it was started with; empty if it is gone."""
        try:
            environ = Path(f"/proc/{self.pid}/environ").read_bytes()
        except OSError:
            return {}
        pairs = (os.fsdecode(item).partition("=") for item in environ.split(b"\0"))
        return {name: value for name, _, value in pairs}

    def kill(self) -> bool:
        """Ends it at once; false if it was gone. Another process of its number is safe."""
        return self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> bool:
        """Signals it; false if it was gone."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            stat = _stat(self.pid)
            if stat is None or stat[2] != self.start_ticks:
                return False
            signal.pidfd_send_signal(descriptor, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)


def belonging_to(folder: Path) -> list[Process]:
    """The living processes of a folder; zombies only wait for their parents and do not count."""
    mark = os.fsencode(folder)
    return [
        process
        for entry in os.listdir("/proc")
        if entry.isdigit() and (process := _look(int(entry), mark)) is not None
    ]


def _look(pid: int, mark: bytes) -> Process | None:
    if pid == os.getpid():
        return None
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    if mark not in environ and mark not in command:
        return None
    stat = _stat(pid)
    if stat is None:
        return None
    prefix = f"{ATTEMPT}=".encode()
    attempts = [item[len(prefix) :] for item in environ.split(b"\0") if item.startswith(prefix)]
    argv = tuple(os.fsdecode(item) for item in command.split(b"\0")[:-1])
    parent, group, ticks = stat
    return Process(pid, ticks, parent, group, argv, attempts[0].decode() if attempts else None)


def _stat(pid: int) -> tuple[int, int, int] | None:
    """Parent, group and start time; `None` if it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(") ")[2].split()
    if fields[0] in "ZX":
        return None
    return int(fields[1]), int(fields[2]), int(fields[19])
