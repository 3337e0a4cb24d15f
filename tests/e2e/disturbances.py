"""What happens to a machine beside kills: its disk is full, descriptors are used up, processes
stand still, and somebody copies the data folder.

Each passes by itself. Invariants: a copy executes nothing and says what to do; a server or a step
that stood still goes on; what a full disk may spoil is only what ran while it was full.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import Iterator

from .disk import SmallDisk
from .processes import Process, belonging_to
from .project import MARK, Project, binary

LONGEST_S = 0.4

# How many runs a copy has: a loop leaves thousands, and those that are not over are the newest.
RUNS_COPIED = 40

# How long a full disk may be ahead of what a step says of its own beginning and end.
MARGIN_S = 1.0

# How long after a full disk a server may still say so.
ECHO_S = 3.0


class Disturbances:
    """They come one at a time, from one thread."""

    def __init__(self, project: Project, disk: SmallDisk | None, chance: random.Random) -> None:
        self._project = project
        self._disk = disk
        self._chance = chance
        self._ends = threading.Event()
        self.full: list[tuple[float, float]] = []
        self.short: list[tuple[float, float]] = []
        self.kinds = {
            "pause": self._pause,
            "descriptors": self._descriptors,
            "copy": self._copy,
            **({"disk": self._fill} if disk else {}),
        }

    def strike(self, kind: str) -> bool:
        """Lets one happen and pass; false if there was nothing for it to happen to."""
        return self.kinds[kind]()

    def spoilt(self, begin: float, end: float) -> bool:
        """Whether the disk was full at some time between two moments."""
        return _overlaps(self.full, begin - MARGIN_S, end + MARGIN_S)

    def lately(self) -> bool:
        """Whether the disk is full or a server short of descriptors, or just was."""
        now = time.time()
        return _overlaps(self.full + self.short, now - ECHO_S - MARGIN_S, now + MARGIN_S)

    def _while(self) -> None:
        # The length of a disturbance is random; it waits for nothing.
        self._ends.wait(self._chance.random() * LONGEST_S)

    def _one(self) -> Process | None:
        living = self._project.processes()
        return self._chance.choice(living) if living else None

    def _pause(self) -> bool:
        process = self._one()
        if process is None or not process.signal(signal.SIGSTOP):
            return False
        try:
            self._while()
        finally:
            process.signal(signal.SIGCONT)
        return True

    def _descriptors(self) -> bool:
        servers = [process for process in self._project.processes() if process.is_server]
        if not servers:
            return False
        begin = time.time()
        self.short.append((begin, float("inf")))
        with _few_descriptors(self._chance.choice(servers).pid) as lowered:
            self._while()
        self.short[-1] = (begin, time.time())
        return lowered

    def _fill(self) -> bool:
        assert self._disk is not None
        begin = time.time()
        # Open until it is over: who looks meanwhile must see it.
        self.full.append((begin, float("inf")))
        self._disk.fill()
        try:
            self._while()
        finally:
            self._disk.free()
            self.full[-1] = (begin, time.time())
        return True

    def _copy(self) -> bool:
        copy = self._project.folder / "copy"
        data = copy / ".stepwell"
        try:
            shutil.copytree(self._project.data, data, symlinks=True, ignore=_left_out)
        except shutil.Error:
            # Files come and go: the copy is what a careless person would have.
            pass
        if not (data / "home.json").exists():
            shutil.rmtree(copy, ignore_errors=True)
            return False
        variables = {**self._project.variables, MARK: str(copy)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [str(binary()), "connect"]
        answer = subprocess.run(command, cwd=copy, env=variables, text=True, timeout=60, **pipes)
        left = [process for process in belonging_to(copy) if process.is_supervisor]
        assert not left, f"a copy executes: {left}"
        if answer.returncode == 0:
            _check_idle(Project(copy))
        else:
            # Files that changed while they were copied do not fit together: the database says so.
            assert any(word in answer.stderr for word in ("stepwell adopt", "database")), answer
        shutil.rmtree(copy)
        return True


def _check_idle(copy: Project) -> None:
    """It is served without its owner's word: nothing was going on in it."""
    try:
        before = Counter(run["status"] for run in copy.client.runs())
    finally:
        copy.stepwell("stop")
    assert set(before) <= {"Completed", "Failed", "Canceled"}, before


def _left_out(folder: str, names: list[str]) -> set[str]:
    """The file that fills the disk, and the folders and outputs of all but the newest runs."""
    if os.path.basename(folder) in ("runs", "azureml"):
        # Each of very many is looked up in it.
        return set(sorted(names)[:-RUNS_COPIED])
    return {"filler"}.intersection(names)


def _overlaps(periods: list[tuple[float, float]], begin: float, end: float) -> bool:
    return any(first <= end and begin <= last for first, last in periods)


@contextmanager
def _few_descriptors(pid: int) -> Iterator[bool]:
    """A process that can open hardly a file more than it has open."""
    try:
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        few = len(os.listdir(f"/proc/{pid}/fd")) + 2
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(few, before[1]), before[1]))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        try:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        except OSError:
            # It was killed meanwhile, and another process may come to have its number: the limit
            # is only ever put back.
            pass
