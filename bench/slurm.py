"""Steps on a Slurm cluster: what they cost beside `sbatch` in a loop, and what it costs a server
that very many wait there.

The cluster is one of this machine (`scripts/slurm-here`), from Debian's packages; its nodes share
the machine's processors, so what Slurm itself does for a job is on both sides of a ratio.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

import measure
from start import resident
from workspace import PYTHON, ROOT, Workspace

SCRIPT = ROOT / "scripts" / "slurm-here"
TARGET = 1.1
NODES = 3
SETTLED_S = 10.0
LOOK_S = 30.0

# The controller's word for a list of jobs, by `sdiag`.
LISTED = re.compile(r"REQUEST_JOB_INFO\s.*count:(\d+)")

LOOP = """
for i in $(seq "$0"); do
    sbatch --parsable --output=/dev/null --wrap=true >/dev/null
done
while [ -n "$(squeue --noheader --me --format=%i | head -n 1)" ]; do sleep 0.2; done
"""


class Cluster:
    """A cluster of its own; gone at the end of the `with` block."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="stepwell-bench-slurm-"))
        line = [str(SCRIPT), "start", str(self._folder), str(NODES)]
        started = subprocess.run(line, stdout=subprocess.PIPE, check=True, text=True)
        self.conf = started.stdout.strip()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([str(SCRIPT), "stop", str(self._folder)], check=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, *command: str) -> str:
        """Runs a command with this cluster."""
        variables = dict(os.environ, SLURM_CONF=self.conf)
        done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, check=True, text=True)
        return done.stdout

    def times_listed(self) -> int:
        """How often the controller was asked for the list of jobs."""
        found = LISTED.search(self.run("sdiag"))
        return int(found.group(1)) if found else 0


def overhead(count: int, repetitions: int) -> measure.Figure:
    """Steps that do nothing, beside a loop of `sbatch` that waits for its jobs."""
    with Cluster() as cluster, Workspace() as workspace:
        _add(workspace, cluster, count)
        steps = [_step("nothing", "true") for _ in range(count)]

        def ours() -> None:
            # The server has closed a connection that was idle for as long as the floor took.
            workspace.connect()
            workspace.finish(workspace.submit(steps))

        def floor() -> None:
            cluster.run("sh", "-c", LOOP, str(count))

        workspace.finish(workspace.submit(steps[:6]))
        server, before = workspace.pid, _processor_s(workspace.pid)
        measured = measure.pairs(
            lambda: measure.timed(ours), lambda: measure.timed(floor), count=repetitions
        )
        if workspace.pid != server:
            raise RuntimeError("the server was another one at the end")
        spent = (_processor_s(server) - before) / repetitions / count
    figure = measure.relative(f"{count:,} steps on Slurm", measured, TARGET, "loop of sbatch")
    note = f"{figure.note}; the server takes {spent * 1e3:.1f} ms of a processor for each"
    return figure._replace(note=note)


class Waiting(NamedTuple):
    """What a server takes while steps wait in a cluster's queue."""

    memory: float
    share: float
    listed: float


def queued(count: int) -> measure.Figure:
    """Steps that all wait in the queue of a cluster whose nodes take no jobs."""
    few, many = _waiting(10), _waiting(count)
    return measure.Figure(
        name=f"memory, {count:,} steps in Slurm's queue",
        value=f"{many.memory / 1e6:.1f} MB",
        target="",
        met=None,
        ratio=f"{many.memory / few.memory:.2f} x",
        note=(
            f"of ten; {many.share:.1%} of a processor ({few.share:.1%} with ten), the jobs listed "
            f"{many.listed:.2f} times a second ({few.listed:.2f})"
        ),
    )


def _waiting(count: int) -> Waiting:
    with Cluster() as cluster, Workspace() as workspace:
        cluster.run("scontrol", "update", "PartitionName=work", "State=DOWN")
        _add(workspace, cluster, count)
        workspace.submit([_step("waits", "true") for _ in range(count)])
        while len(cluster.run("squeue", "--noheader", "--format=%i").split()) < count:
            time.sleep(1)
        time.sleep(SETTLED_S)
        spent, listed, began = (
            _processor_s(workspace.pid),
            cluster.times_listed(),
            time.perf_counter(),
        )
        time.sleep(LOOK_S)
        seconds = time.perf_counter() - began
        return Waiting(
            memory=resident(workspace.pid),
            share=(_processor_s(workspace.pid) - spent) / seconds,
            listed=(cluster.times_listed() - listed) / seconds,
        )


def _add(workspace: Workspace, cluster: Cluster, count: int) -> None:
    settings: Dict[str, Any] = {"conf": cluster.conf}
    body = {"kind": "slurm", "settings": settings, "concurrent_steps_max": count}
    workspace.call("PUT", "/computes/cluster", body)


def _step(name: str, program: str) -> Dict[str, Any]:
    """A step that runs a program of the machine."""
    arguments: List[Dict[str, str]] = []
    task = {
        "type": "process",
        "program": {"command": program},
        "arguments": arguments,
        "environment": {"kind": "interpreter", "python": PYTHON},
    }
    return {"name": name, "kind": "PythonScriptStep", "target": "cluster", "task": task}


def _processor_s(pid: int) -> float:
    """The processor time of a process and of those it has waited for, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(") ")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
