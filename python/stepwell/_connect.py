"""Which server a program speaks to.

`STEPWELL_URL` and `STEPWELL_TOKEN` name one; otherwise `stepwell connect` finds, or starts, the
one of the folder. The rules of the search are the command's alone. A step's program has all of
these variables: it speaks to the server that started it, and when that server is gone it asks
the command for the server of the same data folder.
"""

from __future__ import annotations

import os
import threading
from typing import Dict, Optional, Tuple

from stepwell.client import Address, Client

_clients: Dict[Tuple[str, str], Client] = {}
_lock = threading.Lock()


def connect(folder: Optional[str] = None) -> Client:
    """The client for the server of `folder`, made once in a process.

    Args:
        folder: The project's folder; the working directory when absent. Without meaning when
            `STEPWELL_URL` names a server.
    """
    url = os.environ.get("STEPWELL_URL", "").rstrip("/")
    place = os.path.realpath(folder or os.getcwd())
    key = ("url", url) if url else ("folder", place)
    with _lock:
        if key not in _clients:
            _clients[key] = _named(url) if url else _embedded(place)
        return _clients[key]


def _named(url: str) -> Client:
    data_folder = os.environ.get("STEPWELL_DATA") or None
    # A step's program that names another server itself does not mean the one that started it.
    is_the_steps = url == os.environ.get("AZUREML_SERVICE_ENDPOINT", "").rstrip("/")
    socket = (os.environ.get("STEPWELL_SOCKET") or None) if is_the_steps else None
    address = Address(url, os.environ.get("STEPWELL_TOKEN", ""), data_folder, socket)
    if data_folder and os.environ.get("STEPWELL_BIN"):
        served = os.path.dirname(data_folder)
        # The step's own token is good at every server of the folder; the folder's allows more.
        return Client(address, lambda: _find(served)._replace(token=address.token), served)
    return Client(address)


def _embedded(folder: str) -> Client:
    return Client(_find(folder), lambda: _find(folder), folder)


def _find(folder: str) -> Address:
    from stepwell._binary import run_json

    # The variables name a server that does not answer, or none: the command must look itself.
    nobody = {"STEPWELL_URL": None, "STEPWELL_TOKEN": None, "STEPWELL_SOCKET": None}
    reply = run_json(["connect", "--folder", folder, "--json"], variables=nobody)
    url, token = str(reply["url"]).rstrip("/"), str(reply["token"])
    return Address(url, token, reply.get("data_folder"), reply.get("socket"))
