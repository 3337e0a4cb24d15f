"""Frames on the connection to the driver: two lengths, a JSON header, a body of bytes."""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any, Dict, NamedTuple, Optional, Tuple

PROTOCOL = 1
CONNECT_WITHIN_S = 30

_LENGTHS = struct.Struct(">II")


class Invitation(NamedTuple):
    """What the driver tells a process by its environment."""

    address: str
    token: str
    worker: str

    @staticmethod
    def taken() -> Invitation:
        """The invitation of this process, which its children do not see.

        Raises:
            SystemExit: There is none.
        """
        names = ("STEPWELL_PARALLEL_DRIVER", "STEPWELL_PARALLEL_TOKEN", "STEPWELL_PARALLEL_WORKER")
        values = [os.environ.pop(name, None) for name in names]
        if None in values:
            raise SystemExit("error: the driver of a parallel step starts this, nobody else")
        return Invitation(*[str(value) for value in values])


class Connection(object):
    """The connection to the driver, from its hello to its end."""

    def __init__(self, invitation: Invitation) -> None:
        """Connect and say who this is."""
        host, _, port = invitation.address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), CONNECT_WITHIN_S)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb", 1 << 16)
        self.say(
            {
                "say": "hello",
                "protocol": PROTOCOL,
                "token": invitation.token,
                "worker": invitation.worker,
                "pid": os.getpid(),
            }
        )

    def say(self, header: Dict[str, Any], body: bytes = b"") -> None:
        """Send one frame."""
        text = json.dumps(header).encode()
        frame = b"".join((_LENGTHS.pack(len(text), len(body)), text, body))
        self._socket.sendall(frame)

    def hear(self) -> Optional[Tuple[Dict[str, Any], bytes]]:
        """The next frame; `None` when the driver has gone."""
        try:
            lengths = self._reader.read(_LENGTHS.size)
            if len(lengths) < _LENGTHS.size:
                return None
            header, body = _LENGTHS.unpack(lengths)
            text = self._reader.read(header)
            payload = self._reader.read(body) if body else b""
        except OSError:
            return None
        if len(text) < header or len(payload) < body:
            return None
        return json.loads(text), payload

    def welcome(self) -> Dict[str, Any]:
        """What the driver says first.

        Raises:
            SystemExit: It does not welcome this process, or is of another version.
        """
        heard = self.hear()
        if heard is None or heard[0].get("do") != "welcome":
            raise SystemExit("error: the driver does not welcome this worker")
        version = heard[0]["protocol"]
        if version != PROTOCOL:
            raise SystemExit(
                f"error: the driver speaks version {version} of the protocol and this "
                f"worker {PROTOCOL}; install "
                "the same release of stepwell for both"
            )
        job: Dict[str, Any] = heard[0]["job"]
        return job
