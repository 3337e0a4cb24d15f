"""Starting a published pipeline over REST: how long one takes, how many a second are accepted, and
what the waiting ones cost in memory.

A submission is answered when it survives the loss of power, so the floor is a line appended to a
file of the same file system and synced. The client is one thread that writes bytes made beforehand
and reads answers to their end, so that it takes as little as it can from the server's processors.
Nothing runs meanwhile: a step that sleeps holds the only slot of the target, and the rest waits.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from statistics import median
from typing import Dict, List, Tuple
from urllib.parse import urlsplit

import measure
from workspace import Workspace, step

LATENCY_MAX = 0.005
RATE_MIN = 1_000
CONNECTIONS = 64
MEMORY_MAX = 100e6
TARGET = "one-at-a-time"
PATH = (
    "/pipelines/v1.0/subscriptions/s/resourceGroups/g/providers/"
    "Microsoft.MachineLearningServices/workspaces/w/PipelineRuns/PipelineSubmit/{}"
)


class Published:
    """A published pipeline of one step whose runs all wait; gone at the end of the block."""

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.runs = 0

    def __enter__(self) -> Published:
        self.workspace.connect()
        computes = "/computes/" + TARGET
        self.workspace.call("PUT", computes, {"concurrent_steps_max": 1})
        snapshot = self.workspace.script("import time; time.sleep(600)\n")
        sleeps = step(snapshot, target=TARGET)
        self.sleeper = self.workspace.submit([sleeps])
        task = {**sleeps["task"], "arguments": [{"parameter": "rate"}]}
        body = {
            "name": "bench",
            "pipeline": {
                "experiment": "bench",
                "declared": {"rate": {"type": "float", "default": "0.5"}},
                "steps": [{**sleeps, "task": task}],
            },
        }
        identifier = self.workspace.call("POST", "/published", body)["id"]
        text = b'{"ExperimentName": "bench", "ParameterAssignments": {"rate": 0.25}}'
        head = [
            f"POST {PATH.format(identifier)} HTTP/1.1",
            "Host: stepwell",
            "Authorization: Bearer " + self.workspace.token,
            "Content-Type: application/json",
            f"Content-Length: {len(text)}",
        ]
        self.request = ("\r\n".join(head) + "\r\n\r\n").encode() + text
        self.send(1, 1)  # the template is read once
        return self

    def __exit__(self, *_: object) -> None:
        # The queued ones first, else each would begin when the one before is gone.
        while True:
            waiting = self.workspace.call("GET", "/runs?status=NotStarted&limit=1000")["runs"]
            if not waiting:
                break
            for run in waiting:
                self.workspace.call("POST", "/runs/{}/cancel".format(run["id"]))
        self.workspace.call("POST", f"/runs/{self.sleeper}/cancel")
        self.workspace.call("GET", f"/runs/{self.sleeper}/wait?timeout_s=20")
        self.workspace.__exit__()

    def send(self, count: int, connections: int) -> Tuple[float, List[float]]:
        """Submits so many over so many connections: the whole time, and that of each."""
        place = urlsplit(self.workspace.url)
        selector = selectors.DefaultSelector()
        begun: Dict[socket.socket, float] = {}
        answers: Dict[socket.socket, bytearray] = {}
        times: List[float] = []
        sent = 0

        def ask(connection: socket.socket) -> None:
            answers[connection] = bytearray()
            begun[connection] = time.perf_counter()
            connection.sendall(self.request)

        start = time.perf_counter()
        for _ in range(min(connections, count)):
            connection = socket.create_connection((place.hostname, place.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
            ask(connection)
            sent += 1
        while len(times) < count:
            for key, _ in selector.select():
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                answer = answers[connection]
                answer += connection.recv(65536)
                if not _whole(answer):
                    continue
                if not answer.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(bytes(answer).decode())
                times.append(time.perf_counter() - begun[connection])
                if sent < count:
                    ask(connection)
                    sent += 1
        whole = time.perf_counter() - start
        for connection in answers:
            connection.close()
        self.runs += count
        return whole, times


def _whole(answer: bytearray) -> bool:
    head, found, body = bytes(answer).partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    raise RuntimeError(f"an answer without a length: {head!r}")


def _syncs(folder: str, count: int) -> float:
    """So many lines appended to a file, each synced; the median time of one."""
    path = os.path.join(folder, "synced")
    times = []
    with open(path, "ab", buffering=0) as file:
        for _ in range(count):
            begin = time.perf_counter()
            file.write(b"x" * 512)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    os.remove(path)
    return median(times)


def latency(repetitions: int) -> measure.Figure:
    """One submission after the other: the median of each, beside one sync."""
    with Published() as published:
        folder = str(published.workspace.folder)
        measured = measure.pairs(
            lambda: median(published.send(100, 1)[1]),
            lambda: _syncs(folder, 100),
            repetitions,
        )
    name = "submission of a published pipeline"
    return measure.absolute(name, measured, LATENCY_MAX, "one sync")


def rate(count: int) -> measure.Figure:
    """Many at once: how many a second, beside what syncing each alone would allow."""
    with Published() as published:
        folder = str(published.workspace.folder)
        sync = _syncs(folder, 200)
        whole, times = published.send(count, CONNECTIONS)
        sync = (sync + _syncs(folder, 200)) / 2
    found = count / whole
    worst = sorted(times)[int(len(times) * 0.99)]
    return measure.Figure(
        name=f"submissions a second, {CONNECTIONS} at once",
        value=f"{found:,.0f}",
        target=f">= {RATE_MIN:,}",
        met=found >= RATE_MIN,
        ratio=f"{found * sync:.2f} x",
        note=f"of {1 / sync:,.0f} syncs a second; 99 of 100 within {worst * 1e3:.0f} ms",
    )


def memory(count: int) -> measure.Figure:
    """The resident memory of the server with so many runs waiting."""
    from start import resident

    with Published() as published:
        before = resident(published.workspace.pid)
        published.send(count, CONNECTIONS)
        after = resident(published.workspace.pid)
    return measure.Figure(
        name=f"memory, {count:,} submissions waiting",
        value=f"{after / 1e6:.1f} MB",
        target=f"<= {MEMORY_MAX / 1e6:.0f} MB",
        met=after <= MEMORY_MAX,
        ratio="",
        note=f"resident; {(after - before) / count / 1e3:.1f} KB for each that waits",
    )
