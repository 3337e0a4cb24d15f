"""Begins Spark's JVM, by Spark's own scripts or as they did the last time.

The scripts of Spark run a JVM of their own only to write the command line of the real one. That is
remembered with the archive of its classes (`_archive`), unless the step asks for Java options,
which are kept nowhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from typing import List, NamedTuple, Optional

from stepwell._spark._warm._archive import Archive

_INFORMATION = "_PYSPARK_DRIVER_CONN_INFO_PATH"
"""The variable that names the file in which a JVM says how it is reached."""
_LOOK_S = 0.01


class NotBegun(Exception):
    """The JVM has ended before it could be reached."""


class Begun(NamedTuple):
    """A JVM that can be reached."""

    process: subprocess.Popen[bytes]
    port: int
    secret: str


class Beginning(object):
    """A JVM that starts."""

    def __init__(self, properties: str, archive: Optional[Archive], more: List[str]) -> None:
        """Start it, by this process's variables.

        Args:
            properties: The file of its properties.
            archive: The archive of its classes and how it was started, if it can have one.
            more: Further options of Java.
        """
        self._archive = archive
        self._folder = tempfile.mkdtemp()
        self._information = os.path.join(self._folder, "information")
        options = [*(archive.options() if archive else []), *more]
        self._options = options
        tail = ["--master", "local", "--properties-file", properties, "pyspark-shell"]
        environ = {**os.environ, "SPARK_CONNECT_MODE": "0", _INFORMATION: self._information}
        memory = _only_memory(properties)
        self._is_plain = memory == ""
        command = archive.command() if archive and memory is not None else None
        self._is_by_scripts = command is None
        if command is None:
            line = [os.path.join(os.environ["SPARK_HOME"], "bin", "spark-submit")]
            environ["SPARK_SUBMIT_OPTS"] = shlex.join(options)
        else:
            # Of two options for the same, Java takes the last.
            memory_of_it = ["-Xmx" + memory] if memory else []
            line = [*command.line[:-1], *memory_of_it, *options, command.line[-1]]
            environ.update(command.environ)
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [*line, *tail],
            env=environ,
            stdin=subprocess.PIPE,  # it ends when this process does
            preexec_fn=_ignore_interrupt,
        )

    def end(self) -> Begun:
        """Wait until it can be reached.

        Raises:
            NotBegun: It has ended.
        """
        try:
            while not os.path.isfile(self._information):
                if self.process.poll() is not None:
                    raise NotBegun(f"Spark's JVM ended with status {self.process.returncode}")
                time.sleep(_LOOK_S)
            with open(self._information, "rb") as file:
                port, length = struct.unpack("!ii", file.read(8))
                secret = file.read(length).decode("utf-8")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._archive is not None and self._is_plain:
            with contextlib.suppress(OSError, ValueError):
                self._look_at(self._archive)
        return Begun(self.process, port, secret)

    def _look_at(self, archive: Archive) -> None:
        """See how the JVM has begun: what its command line was, and whether the archive is used."""
        if self._is_by_scripts:
            archive.remember(self.process.pid, os.environ, self._options)
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8") as file:
            is_used = archive.path in file.read()
        if archive.path in " ".join(self._options) and not is_used:
            archive.remove()  # it is damaged, and another one is made later


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _only_memory(properties: str) -> Optional[str]:
    """The driver's memory, or an empty text, if the properties say nothing else; else `None`."""
    with open(properties, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip()]
    if not lines:
        return ""
    found = re.match(r"spark\.driver\.memory=(\d+[kmgKMG]?)$", lines[0])
    return found.group(1) if found and len(lines) == 1 else None
