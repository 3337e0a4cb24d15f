"""How far an application is, by the REST interface of its own web page.

Source of the answers' fields: "REST API" in Spark's documentation on monitoring. An application
without that page has no progress while it runs, and runs all the same. The first question costs a
JVM about a second of processor time, so a short application is not asked: what it did is read from
its event log at its end.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from typing import Any, Dict, List, Optional

from stepwell._spark._submit import RUN_PROPERTY
from stepwell._transport import Lost, NotSent, Request, Response, Transport

EVERY_S = 0.5
QUIET_S = 2.0
"""How long an application's page is there before it is asked anything."""
LOG_MAX = 16 << 20
"""Bytes of an event log that is read at the end."""
TIMEOUT_S = 5.0
PORTS = 16  # as many as Spark tries after the first, by its `spark.port.maxRetries`


class Watch(object):
    """Writes `progress.json` while an application runs."""

    def __init__(self, run: str, port: int, path: str, cells: str, events: str) -> None:
        self._run = run
        self._port = port
        self._events = events
        self._since: Optional[float] = None
        self._path = path
        self._cells = cells
        self._found: Optional[Transport] = None
        self._url = ""
        self._id = ""
        self._last: Dict[str, Any] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
        if not self._last:
            try:
                self._last = logged(self._events)
            except (OSError, ValueError, KeyError):  # compressed, say
                pass
        if self._last:
            self._last.pop("ui", None)  # the page is gone
            self._last["cells"] = _json(self._cells)
            write(self._path, self._last)

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                self._poll()
            except (NotSent, Lost, ValueError, KeyError):
                self._found = None

    def _poll(self) -> None:
        if self._found is None and not (self._is_settled() and self._find()):
            return
        base = f"/api/v1/applications/{self._id}"
        jobs = self._get(base + "/jobs")
        executors = self._get(base + "/allexecutors")
        now = {
            "application": self._id,
            "ui": self._url,
            **summary(jobs, executors),
            "cells": _json(self._cells),
        }
        if now != self._last:
            if not self._last:
                print(f"Spark application {self._id}; its page is {self._url}")
            self._last = now
            write(self._path, now)

    def _is_settled(self) -> bool:
        """Whether a page has been there for a while."""
        if self._since is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    self._since = time.monotonic()
        return self._since is not None and time.monotonic() - self._since >= QUIET_S

    def _find(self) -> bool:
        """Whether the application's page has been found; others' pages may be on near ports."""
        for port in range(self._port, self._port + PORTS):
            url = f"http://127.0.0.1:{port}"
            self._found = Transport(url)
            try:
                for each in self._get("/api/v1/applications"):
                    path = "/api/v1/applications/{}/environment".format(each["id"])
                    if [RUN_PROPERTY, self._run] in self._get(path)["sparkProperties"]:
                        self._url, self._id = url, each["id"]
                        return True
            except (NotSent, Lost, ValueError, KeyError):
                continue
        self._found = None
        return False

    def _get(self, path: str) -> Any:
        assert self._found is not None
        response: Response = self._found.send(Request("GET", path, {}, None, TIMEOUT_S))
        if response.status != 200:
            raise ValueError(f"{path} answered {response.status}")
        return json.loads(response.body)


def summary(jobs: List[Dict[str, Any]], executors: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The counts of jobs, stages, tasks and executors."""
    states = [job["status"] for job in jobs]

    def total(*names: str) -> int:
        return sum(int(job.get(name) or 0) for job in jobs for name in names)

    workers = [each for each in executors if each["id"] != "driver"]
    return {
        "jobs": {
            "running": states.count("RUNNING"),
            "done": states.count("SUCCEEDED"),
            "failed": states.count("FAILED"),
        },
        "stages": {
            "running": total("numActiveStages"),
            "done": total("numCompletedStages", "numSkippedStages"),
            "failed": total("numFailedStages"),
        },
        "tasks": {
            "running": total("numActiveTasks"),
            "done": total("numCompletedTasks", "numSkippedTasks"),
            "failed": total("numFailedTasks"),
            "total": total("numTasks"),
        },
        "executors": {
            "active": sum(1 for each in workers if each["isActive"]),
            "lost": sum(1 for each in workers if not each["isActive"]),
        },
    }


def logged(folder: str) -> Dict[str, Any]:
    """The same of an application that has ended, by its event log; empty if there is none."""
    paths = [os.path.join(folder, name) for name in os.listdir(folder)]
    files = [path for path in paths if os.path.isfile(path) and os.path.getsize(path) <= LOG_MAX]
    if not files:
        return {}
    count = {kind: dict.fromkeys(_COUNTED, 0) for kind in ("jobs", "stages", "tasks")}
    lost = 0
    path = max(files, key=os.path.getmtime)
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            name = event["Event"]
            if name == "SparkListenerJobEnd":
                good = event["Job Result"]["Result"] == "JobSucceeded"
                count["jobs"]["done" if good else "failed"] += 1
            elif name == "SparkListenerStageCompleted":
                bad = "Failure Reason" in event["Stage Info"]
                count["stages"]["failed" if bad else "done"] += 1
                count["tasks"]["total"] += event["Stage Info"]["Number of Tasks"]
            elif name == "SparkListenerTaskEnd":
                good = event["Task End Reason"]["Reason"] == "Success"
                count["tasks"]["done" if good else "failed"] += 1
            elif name == "SparkListenerExecutorRemoved":
                lost += 1
    for kind in ("jobs", "stages"):
        count[kind].pop("total")
    application = os.path.basename(path)
    return {"application": application, **count, "executors": {"active": 0, "lost": lost}}


_COUNTED = ("running", "done", "failed", "total")


def write(path: str, value: Any) -> None:
    """Replace a JSON file."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(path + ".part", path)


def _json(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None
