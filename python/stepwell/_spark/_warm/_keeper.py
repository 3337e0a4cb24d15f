"""The keeper of one JVM: a process that outlives the step that started it.

It serves one step at a time and ends, with its JVM, when nobody has asked for it for some
minutes, when its folder is gone, when the machine is short of memory, or when it is not certain
that the JVM is clean. It is begun with few variables (`_fit`), so that it knows no credential.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from typing import Any, Dict, NamedTuple, Optional, Tuple

from stepwell._spark._warm import _archive, _jvm, _slots
from stepwell._spark._warm._begin import Beginning
from stepwell._spark._warm._protocol import Channel, Gone

LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
"""
BEGIN = "begin.properties"
"""The properties that the JVM begins with; removed when it has read them."""
_TICK_S = 1.0
_FIRST_LINE_S = 10.0
_END_S = 30.0
_DEATH_S = 2.0
_FREE_MIN = 0.05
"""Of the machine's memory; with less of it free, a keeper that nobody uses ends."""


class Keeper(object):
    """One JVM with the socket on which steps ask for it."""

    def __init__(self, folder: str, idle_s: float) -> None:
        """Listen in a slot's folder.

        Args:
            folder: The slot.
            idle_s: How long to stay without a step.
        """
        self._folder = folder
        self._idle_s = idle_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path = _slots.socket_of(folder)
        if os.path.lexists(self._path):
            os.unlink(self._path)
        self._socket.bind(self._path)
        self._socket.listen(8)
        self._mine = self._identity()
        self._jvm: Any = None
        self._maker: Optional[_archive.Maker] = None

    def run(self, first: Channel) -> None:
        """Begin the JVM, serve the step that asked for it, then those that come."""
        logging = os.path.join(self._folder, "log4j2.properties")
        with open(logging, "w", encoding="utf-8") as file:
            file.write(LOGGING)
        self._jvm = self._begun(logging)
        stays = self._serve(first)
        while stays:
            channel = self._next()
            stays = channel is not None and self._serve(channel)

    def _begun(self, logging: str) -> _jvm.Jvm:
        """The JVM, with the archive of its classes if there is one."""
        archive = _archive.find(os.environ)
        with contextlib.suppress(OSError):
            self._maker = _archive.Maker(archive) if archive else None
        properties = os.path.join(self._folder, BEGIN)
        more = self._maker.recording() if self._maker else []
        beginning = Beginning(properties, archive, more)
        try:
            return _jvm.Jvm(logging, beginning)
        except Exception:
            beginning.process.kill()
            if archive is not None:
                archive.remove()  # lest it be the reason
            raise
        finally:
            os.unlink(properties)

    def _next(self) -> Optional[Channel]:
        """The next step; `None` when it is time to end."""
        end = time.monotonic() + self._idle_s
        while time.monotonic() < end and self._is_wanted():
            if select.select([self._socket], [], [], _TICK_S)[0]:
                channel = Channel(self._socket.accept()[0])
                if channel.is_of_this_user():
                    return channel
                channel.close()
            elif self._maker is not None:
                self._maker.go_on(self._jvm.line(), free_memory().bytes)
        return None

    def _is_wanted(self) -> bool:
        here = self._identity() == self._mine
        return here and self._jvm.process.poll() is None and free_memory().share > _FREE_MIN

    def _serve(self, channel: Channel) -> bool:
        """Serve one step; whether the JVM can serve another."""
        try:
            asked = channel.receive(_FIRST_LINE_S)
        except Gone:  # somebody who only looked
            channel.close()
            return True
        try:
            if asked is None or asked.get("ask") != "lend":
                self._say(channel, left=True)
                return asked is None
            return self._lend(channel, asked)
        finally:
            channel.close()

    def _lend(self, channel: Channel, asked: Dict[str, Any]) -> bool:
        files = channel.take_files()
        try:
            names = ("properties", "logging", "folder", "blocks")
            entry = self._jvm.begin(*(str(asked[name]) for name in names), files)
            self._say(channel, port=entry.port, secret=entry.secret)
            self._await_end(channel)
            signal.alarm(int(_END_S))
            self._jvm.end()
        except Exception:
            process = self._jvm.process
            if _jvm.until(lambda: process.poll() is not None, _DEATH_S):
                self._say(channel, died=process.returncode)
            raise
        finally:
            for file in files:
                os.close(file)
        self._say(channel, ended=True)
        self._jvm.rest()
        signal.alarm(0)
        return True

    def _await_end(self, channel: Channel) -> None:
        """Wait until the step says that it has ended, or is gone, or the JVM is."""
        while self._jvm.process.poll() is None:
            if select.select([channel], [], [], _TICK_S)[0]:
                try:
                    if channel.receive(_TICK_S) is not None:
                        return
                except Gone:
                    return

    @staticmethod
    def _say(channel: Channel, **line: Any) -> None:
        """Answer a step, which may have been killed."""
        try:
            channel.send(**line)
        except Gone:
            pass

    def _identity(self) -> Optional[Tuple[int, int, int]]:
        """What tells the slot and its socket from later ones; `None` if one of them is gone."""
        try:
            slot, found = os.stat(self._folder), os.lstat(self._path)
        except FileNotFoundError:
            return None
        return slot.st_ino, found.st_ino, found.st_ctime_ns

    def close(self) -> None:
        """End the JVM; nobody finds the socket any more."""
        if self._maker is not None:
            self._maker.close()
        self._socket.close()
        if self._identity() == self._mine:  # not that of another, in a folder made anew
            os.unlink(self._path)
        if self._jvm is not None:
            self._jvm.process.kill()
            self._jvm.process.wait()


class Free(NamedTuple):
    """The memory that programs can still have."""

    bytes: int
    share: float
    """Of the machine's."""


def free_memory() -> Free:
    """The memory that is available."""
    found = {}
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            name, _, value = line.partition(":")
            found[name] = int(value.split()[0])
    free = found.get("MemAvailable", found["MemTotal"])
    return Free(free << 10, free / found["MemTotal"])


def main(folder: str, idle_s: str, first: str) -> int:
    """Keep a JVM in a slot; `first` is the number of the first step's open connection."""
    os.umask(0o077)
    signal.signal(signal.SIGALRM, _give_up)
    channel = Channel(socket.socket(fileno=int(first)))
    keeper = Keeper(folder, float(idle_s))
    try:
        keeper.run(channel)
    except Exception as error:  # its log is all that is left to say it to
        print(f"the keeper ends: {error!r}", file=sys.stderr)
        return 1
    finally:
        keeper.close()
    return 0


def _give_up(*_: Any) -> None:
    raise _jvm.Unclean("it takes too long to put the JVM back")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
