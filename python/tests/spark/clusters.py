"""A standalone Spark cluster of this machine: a master and its workers, as Spark starts them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Dict, List

from worker import until


class Cluster(object):
    """A master with workers of one core each."""

    def __init__(self, folder: Path, workers: int) -> None:
        import pyspark

        self._home = os.path.dirname(pyspark.__file__)
        self._folder = folder
        folder.mkdir(parents=True)
        self.workers: List[subprocess.Popen[bytes]] = []
        self._master = self._start("master", "master.Master", "--port", "0")
        found = r"Starting Spark master at (spark://[\w.:]+).*MasterWebUI to [^ ]*, and started at (http://[\w.:]+)"
        seen = until(
            lambda: re.search(found, self._log("master"), re.S), lambda match: match, "a master"
        )
        assert seen is not None
        self.url, self._page = seen.groups()
        for _ in range(workers):
            self.add_worker()
        until(self.alive, lambda number: number == workers, "the workers are there")

    def add_worker(self) -> None:
        """Start one more worker."""
        name = f"worker-{len(self.workers)}"
        work = str(self._folder / name)
        self.workers.append(
            self._start(name, "worker.Worker", "-c", "1", "-m", "1g", "-d", work, self.url)
        )

    def alive(self) -> int:
        """How many workers the master has."""
        return int(self.state()["aliveworkers"])

    def state(self) -> Dict[str, Any]:
        """What the master says of itself."""
        with urllib.request.urlopen(self._page + "/json/", timeout=30) as answer:
            state: Dict[str, Any] = json.load(answer)
            return state

    def executors_of(self, index: int) -> List[int]:
        """The processes of the executors of a worker."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.workers[index].pid)],
            stdout=subprocess.PIPE,
            text=True,
        )
        return [int(each) for each in listed.stdout.split()]

    def close(self) -> None:
        for process in [*self.workers, self._master]:
            process.kill()
            process.wait()

    def _start(self, name: str, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        with open(str(self._folder / (name + ".log")), "wb") as log:
            return subprocess.Popen(
                [
                    os.path.join(self._home, "bin", "spark-class"),
                    "org.apache.spark.deploy." + kind,
                    *("--host", "127.0.0.1", "--webui-port", "0"),
                    *arguments,
                ],
                env={
                    **os.environ,
                    "SPARK_HOME": self._home,
                    "SPARK_LOCAL_IP": "127.0.0.1",
                    "SPARK_DAEMON_MEMORY": "256m",
                    # Its port is fixed; nobody submits by it.
                    "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
                    "PYSPARK_PYTHON": sys.executable,
                },
                stdout=log,
                stderr=log,
            )

    def _log(self, name: str) -> str:
        return (self._folder / (name + ".log")).read_text(errors="replace")
