"""A step's use of a JVM: finding or starting its keeper, and giving it back.

Nothing here fails a step: whoever gets no JVM is given `None`, and starts one of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from typing import Callable, Dict, NamedTuple, Optional

from stepwell._spark._warm import _slots
from stepwell._spark._warm._fit import Wanted
from stepwell._spark._warm._protocol import Channel, Gone
from stepwell._spark._warm._slots import Slot, Unsafe

_BEGIN = "begin.properties"
_START_S = 300.0
_END_S = 60.0
_LOOK_S = 0.2


class Place(NamedTuple):
    """The files and folders of one step."""

    properties: str
    """The file of its properties."""
    logging: str
    """Its log configuration."""
    folder: str
    """Its working directory."""
    blocks: str
    """For blocks, shuffle files and what else is temporary."""


class Lease(object):
    """A JVM, until `end`."""

    def __init__(self, slot: Slot, channel: Channel, entry: Dict[str, object], warm: bool) -> None:
        self._slot = slot
        self._channel = channel
        self.remark = ", in a JVM that was there" if warm else ""
        """What is said of the JVM in the step's log."""
        self.environ = {
            "PYSPARK_GATEWAY_PORT": str(entry["port"]),
            "PYSPARK_GATEWAY_SECRET": str(entry["secret"]),
        }
        """The variables by which pyspark finds the JVM."""

    def end(self) -> Optional[int]:
        """Give it back, when the files of the application are complete.

        Returns:
            The exit status of the JVM if it has died meanwhile, else `None`.
        """
        answer = None
        with contextlib.suppress(Gone):
            self._channel.send(ask="end")
        # A keeper whose JVM has died says so and goes; what it said can still be read.
        with contextlib.suppress(Gone):
            answer = self._channel.receive(_END_S)
        self._channel.close()
        self._slot.close()
        return answer.get("died") if answer else None


def lease(
    data: str,
    wanted: Wanted,
    idle_s: float,
    place: Place,
    is_stopping: Callable[[], bool],
    begun_with: Callable[[str], str],
) -> Optional[Lease]:
    """A JVM for this step, or `None`.

    Args:
        data: The data folder.
        wanted: Which JVM.
        idle_s: How long a keeper that is started stays.
        place: What the JVM gets of the step.
        is_stopping: Whether the step was asked to stop.
        begun_with: Writes the properties that a JVM begins with to a path; gives that path.
    """
    try:
        slot = _slots.take(_slots.folder(data), wanted.key)
    except (Unsafe, OSError) as error:
        print(f"a Spark that is kept between steps cannot be used: {error}")
        return None
    if slot is None:
        return None
    ask = {"ask": "lend", **place._asdict()}
    found = None
    try:
        found = _warm(slot, wanted, ask, is_stopping)
        if found is None and not is_stopping():
            found = _begun(slot, wanted, idle_s, ask, is_stopping, begun_with)
        return found
    finally:
        if found is None:
            slot.close()


def _warm(
    slot: Slot, wanted: Wanted, ask: Dict[str, str], is_stopping: Callable[[], bool]
) -> Optional[Lease]:
    channel = slot.connect() if slot.key == wanted.key else None
    return _asked(slot, channel, ask, is_stopping, True) if channel is not None else None


def _begun(
    slot: Slot,
    wanted: Wanted,
    idle_s: float,
    ask: Dict[str, str],
    is_stopping: Callable[[], bool],
    begun_with: Callable[[str], str],
) -> Optional[Lease]:
    """Start a keeper, in place of one that does not fit."""
    slot.clear()
    slot.write_key(wanted.key)
    begun_with(os.path.join(slot.path, _BEGIN))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    line = [sys.executable, "-m", "stepwell._spark._warm._keeper"]
    with theirs, open(os.path.join(slot.path, "log.txt"), "wb") as log:
        subprocess.Popen(
            [*line, slot.path, str(idle_s), str(theirs.fileno())],
            cwd=slot.path,
            env=wanted.environ,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return _asked(slot, Channel(ours), ask, is_stopping, False)


def _asked(
    slot: Slot,
    channel: Channel,
    ask: Dict[str, str],
    is_stopping: Callable[[], bool],
    warm: bool,
) -> Optional[Lease]:
    """Ask a keeper for its JVM."""
    files = [1, 2]  # this process's own streams, which are the step's log
    entry = None
    try:
        channel.send(files, **ask)
        waited = 0.0
        while entry is None and waited < _START_S and not is_stopping():
            entry = channel.receive(_LOOK_S)
            waited += _LOOK_S
    except Gone:
        pass
    if entry is None or "port" not in entry:
        channel.close()
        return None
    return Lease(slot, channel, entry, warm)
