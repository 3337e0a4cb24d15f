"""An archive of the classes of Spark's JVM, with which it starts in half of the time.

Java calls it class data sharing: classes that are read, checked and laid out already. One archive
is for one Java and one set of jars. The first JVM writes down which classes it loads; later, when
its keeper has nothing to do, a process of Java makes the archive of that list. It runs nothing of
Spark or of a step.

Invariants: nothing here fails a step. Java itself looks whether an archive is whole, and of this
Java and these jars, and starts without one that is not. Only its owner can write one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

from stepwell._spark import _java
from stepwell._spark._warm._slots import Lock, Unsafe, make_private

JAVA_MIN = 17
"""The oldest Java whose archives are used: what pyspark 4 needs."""
KEEP_S = 30 * 86400
"""How long an archive is kept that nobody uses."""
MAKE_S = 1800.0
"""How long its making may take: half a minute, on an idle machine."""
NICE = "5"
"""Its priority: a third of what others have. Beside many it would not end with the lowest."""
FREE_MIN = 2 << 30
"""Bytes of memory that must be available for the making, which needs half of them."""
_MAIN = "org.apache.spark.deploy.SparkSubmit"
_NOT_KEPT = ("PWD", "OLDPWD", "SHLVL", "SPARK_SUBMIT_OPTS")


class Command(NamedTuple):
    """How Spark's own scripts start a JVM."""

    line: List[str]
    """The program and its arguments up to Spark's main class."""
    environ: Dict[str, str]
    """The variables that the scripts set."""


class Archive(NamedTuple):
    """Where the archive of one Java and one Spark is, or will be."""

    folder: str
    java: str

    @property
    def path(self) -> str:
        """The archive itself."""
        return os.path.join(self.folder, "classes.jsa")

    @property
    def listed(self) -> str:
        """The names of its classes."""
        return os.path.join(self.folder, "classes.lst")

    @property
    def is_made(self) -> bool:
        """Whether it is there."""
        return os.path.isfile(self.path)

    def options(self) -> List[str]:
        """The options of a JVM that uses it; none if it is not there."""
        if not self.is_made:
            return []
        with contextlib.suppress(OSError):
            os.utime(self.folder)  # it is used: see `_remove_unused`
        # Java checks the sums of all bytes, and says nothing of an archive that it cannot use.
        return [
            *("-Xshare:auto", "-XX:SharedArchiveFile=" + self.path, "-XX:+VerifySharedSpaces"),
            *("-Xlog:cds=off", "-Xlog:cds+dynamic=off"),
        ]

    def remove(self) -> None:
        """Forget it: a JVM has not started with it."""
        for name in (self.path, self.listed):
            with contextlib.suppress(OSError):
                os.unlink(name)

    def command(self) -> Optional[Command]:
        """How Spark's scripts start the JVM, if that is known."""
        try:
            with open(self._command, encoding="utf-8") as file:
                command = Command(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None
        return command if command.line else None

    def remember(self, process: int, environ: Mapping[str, str], options: Sequence[str]) -> None:
        """Keep how the scripts have started a JVM, without the given variables and options."""
        with open(f"/proc/{process}/cmdline", "rb") as file:
            line = os.fsdecode(file.read()).split("\0")
        with open(f"/proc/{process}/environ", "rb") as file:
            pairs = (each.partition("=") for each in os.fsdecode(file.read()).split("\0"))
            found = {name: value for name, equals, value in pairs if equals}
        if _MAIN not in line:
            return
        own = [
            name
            for name, value in found.items()
            if environ.get(name) != value and name not in _NOT_KEPT and name[:1] != "_"
        ]
        line = [each for each in line[: line.index(_MAIN) + 1] if each not in options]
        command = Command(line, {name: found[name] for name in own})
        with open(self._command + ".part", "w", encoding="utf-8") as file:
            json.dump(command._asdict(), file)
        os.replace(self._command + ".part", self._command)

    @property
    def _command(self) -> str:
        return os.path.join(self.folder, "command.json")


def find(environ: Mapping[str, str]) -> Optional[Archive]:
    """The archive for the Java and the Spark of these variables; `None` if it can have none."""
    home = environ.get("SPARK_HOME", "")
    java = _java.program(environ)
    major = _java.released(java) if java else None
    # A folder of configuration is on the path of classes; what it holds could be in no archive.
    if (
        not home
        or not java
        or (major or 0) < JAVA_MIN
        or environ.get("SPARK_CONF_DIR")
        or os.path.isdir(os.path.join(home, "conf"))
    ):
        return None
    try:
        key = _key(home, java)
        root = root_of(environ)
        folder = os.path.join(root, key)
        make_private(root)
        make_private(folder)
    except (OSError, Unsafe):
        return None
    return Archive(folder, java)


def root_of(environ: Mapping[str, str]) -> str:
    """The folder of all archives of a user."""
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "stepwell", "spark")


def _key(home: str, java: str) -> str:
    """Equal for the same Java and the same jars of Spark."""
    folder = os.path.join(home, "jars")
    with os.scandir(folder) as entries:
        jars = sorted((each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in entries)
    real = os.path.realpath(java)
    text = json.dumps([real, os.stat(real).st_mtime_ns, _java.release(java), folder, jars])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


class Maker(object):
    """Makes an archive beside a JVM that has written its classes down; one at a time does."""

    def __init__(self, archive: Archive) -> None:
        """Take the archive that is to be made."""
        self._archive = archive
        self._recorded = archive.listed + ".part"
        self._part = archive.path + ".part"
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._began = 0.0
        self._lock = Lock(os.path.join(archive.folder, "lock"))
        self._is_over = archive.is_made or not self._lock.take(wait=False)
        if self._is_over:
            self._lock.close()

    def recording(self) -> List[str]:
        """The option by which a JVM writes down its classes, if that is to be done."""
        if self._is_over or os.path.isfile(self._archive.listed):
            return []
        return ["-XX:DumpLoadedClassList=" + self._recorded]

    def go_on(self, line: Sequence[str], free_bytes: float) -> None:
        """Begin the making, or end it when it is done.

        Args:
            line: The command line of the JVM, which names the path of its classes.
            free_bytes: The memory that is available.
        """
        if self._is_over:
            return
        try:
            self._go_on(line, free_bytes)
        except OSError:  # a full disk, or a folder that is gone
            self.close()

    def _go_on(self, line: Sequence[str], free_bytes: float) -> None:
        if self._process is None:
            if free_bytes < FREE_MIN or not self._begin(list(line)):
                self.close()
        elif self._process.poll() is not None:
            self._finish(self._process.returncode)
        elif time.monotonic() - self._began > MAKE_S:
            self.close()

    def _begin(self, line: List[str]) -> bool:
        if os.path.isfile(self._recorded):
            _copy_lines(self._recorded, self._archive.listed)
        if not os.path.isfile(self._archive.listed) or "-cp" not in line:
            return False
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            [
                *("nice", "-n", NICE, self._archive.java, "-Xshare:dump", "-Xmx1g", "-XX:+UseG1GC"),
                "-XX:SharedClassListFile=" + self._archive.listed,
                "-XX:SharedArchiveFile=" + self._part,
                *("-cp", line[line.index("-cp") + 1]),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with contextlib.suppress(OSError):
            # Linux shares processors out by sessions, in which `nice` counts for nothing else.
            with open(f"/proc/{self._process.pid}/autogroup", "w", encoding="ascii") as file:
                file.write(NICE)
        return True

    def _finish(self, status: int) -> None:
        if status == 0 and os.path.isfile(self._part):
            os.replace(self._part, self._archive.path)
            _remove_unused(os.path.dirname(self._archive.folder))
        self.close()

    def close(self) -> None:
        """Leave it to a later keeper, unless it is made; nothing half made stays."""
        if self._is_over:
            return
        self._is_over = True
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for name in (self._recorded, self._part):
            with contextlib.suppress(OSError):
                os.unlink(name)
        self._lock.close()


def _copy_lines(source: str, target: str) -> None:
    """Copy the complete lines of a file that is being written."""
    with open(source, "rb") as file:
        text = file.read()
    with open(target + ".whole", "wb") as file:
        file.write(text[: text.rfind(b"\n") + 1])
    os.replace(target + ".whole", target)


def _remove_unused(root: str) -> None:
    """Remove the archives that were not used for long."""
    for name in os.listdir(root):
        path = os.path.join(root, name)
        if time.time() - os.stat(path).st_mtime > KEEP_S:
            shutil.rmtree(path, ignore_errors=True)
