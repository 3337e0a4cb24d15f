"""The kill loop: random pipelines run while servers, supervisors and steps are killed at random.

One long-lived workspace sees all the rounds; a round is one SIGKILL, or another disturbance: a
full disk, no descriptors, a process that stands still, a copy of the folder. A thread strikes, the
main one submits and waits, finding the server again whenever it is gone. When all runs are over the
books are checked by `ledger`: nothing is lost, nothing has run twice, nothing is left.

The seed fixes the pipelines and the order of victims, not the moments: a failure is repeated by
its seed with high probability only. More rounds: `python -m e2e.kill_loop ROUNDS [SEED]`.
"""

from __future__ import annotations

import http.client
import random
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from . import bodies
from .client import Client, Endpoint, Refused
from .disk import SmallDisk
from .disturbances import Disturbances
from .ledger import Ledger
from .processes import Process
from .project import Project
from .waiting import until

# How many runs are kept alive at once, and how many steps of all of them run at once.
RUNS_ALIVE = 3
SLOTS = 4

# The longest pause before a kill, in seconds; and how likely each victim is.
PAUSE_MAX_S = 0.25
VICTIMS: dict[str, tuple[int, Callable[[Process], bool]]] = {
    "server": (4, lambda process: process.is_server),
    "supervisor": (3, lambda process: process.is_supervisor),
    "step": (3, lambda process: process.is_step),
    # Not a fork of one, which may have become a step when it is killed.
    "zygote": (1, lambda process: process.is_loaded and process.group == process.pid),
}
DISTURBANCES = {"pause": 2, "descriptors": 0.5, "copy": 0.2, "disk": 0.5}

# What a loop writes, generously: the disk of its folder has room for it.
DISK_MB, DISK_MB_A_ROUND = 64, 1.0

# `$1` is the step's own output, which is its mark; the rest are outputs of earlier steps.
STEP = """
own=$1; shift; pause=$1; shift
echo "$0 ran" >> "$own"
for input in "$@"; do test -s "$input" || { echo "$input is not there"; exit 9; }; done
for line in 1 2 3 4 5 6 7 8; do echo "$0 line $line"; done
sleep "$pause"
echo "$0 end"
"""

STEP_PYTHON = """
import os, sys, time
name, own, pause, *inputs = sys.argv[1:]
with open(own, "a") as mark:
    mark.write(f"{name} ran\\n")
assert all(os.path.getsize(path) for path in inputs)
for line in range(1, 9):
    print(f"{name} line {line}")
time.sleep(float(pause))
print(f"{name} end")
"""


def expected_log(step: str) -> str:
    """All that a step prints if it is left in peace."""
    return "".join(f"{step} line {line}\n" for line in range(1, 9)) + f"{step} end\n"


@dataclass
class Plan:
    """A pipeline that was, or is being, submitted."""

    key: str
    steps: list[bodies.Json]
    continue_on_failure: bool
    run: str = ""

    def dependencies(self, index: int) -> set[int]:
        """The steps that a step waits for."""
        step = self.steps[index]
        producers = {port["source"]["step"]["step"] for port in step["inputs"]}
        return producers | set(step["after"])


class Killer(threading.Thread):
    """Kills one process a round, and remembers whom."""

    def __init__(
        self, project: Project, rounds: int, chance: random.Random, others: Disturbances
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self.project = project
        self.others = others
        self.count: Counter[str] = Counter()
        self.fault: BaseException | None = None
        self.rounds = rounds
        self.chance = chance
        self.killed: list[tuple[str, Process]] = []
        self.enough = threading.Event()

    def run(self) -> None:
        """Until all rounds are over, or until it is enough."""
        try:
            self._run()
        except BaseException as error:
            # The main thread raises it.
            self.fault = error

    def _run(self) -> None:
        weights: dict[str, float] = {kind: weight for kind, (weight, _) in VICTIMS.items()}
        weights.update((kind, DISTURBANCES[kind]) for kind in self.others.kinds)
        for _ in range(self.rounds):
            (kind,) = self.chance.choices(list(weights), list(weights.values()))
            # The pause is no wait for anything: it is the random moment of the blow.
            pause = self.chance.random() * PAUSE_MAX_S
            while not self.enough.wait(pause) and not self.strike(kind):
                pause = 0.001
            if self.enough.is_set():
                return
            self.count[kind] += 1

    def strike(self, kind: str) -> bool:
        """Kills one of the kind, if there is one, or lets something else happen."""
        if kind not in VICTIMS:
            return self.others.strike(kind)
        _, fits = VICTIMS[kind]
        victims = [process for process in self.project.processes() if fits(process)]
        if not victims:
            return False
        victim = self.chance.choice(victims)
        # Remembered first: what is seen of the blow must find its cause in the book.
        self.killed.append((kind, victim))
        if not victim.kill():
            self.killed.pop()
            return False
        return True


class KillLoop:
    """The whole of it, in one folder."""

    def __init__(self, project: Project, rounds: int, seed: int) -> None:
        self.project = project
        megabytes = DISK_MB + int(rounds * DISK_MB_A_ROUND)
        self.disk = SmallDisk.mount(project.data, megabytes)
        self.project.client = Client(self.locate)
        self.chance = random.Random(seed)
        self.others = Disturbances(project, self.disk, random.Random(seed + 2))
        self.killer = Killer(project, rounds, random.Random(seed + 1), self.others)
        self.plans: list[Plan] = []

    def run(self) -> str:
        """Kills, drains, checks; what happened, in one line. Broken promises are raised."""
        try:
            return self._run()
        finally:
            if self.disk is not None:
                self.project.close()
                self.disk.unmount()

    def _run(self) -> str:
        self.project.client.call("PUT", "/computes/local", {"concurrent_steps_max": SLOTS})
        self.snapshot = self.project.snapshot({"step.py": STEP_PYTHON})
        self.killer.start()
        try:
            while self.killer.is_alive():
                self.submit()
                until(self.alive, lambda alive: alive < RUNS_ALIVE, "a run is over", 60)
            until(self.alive, lambda alive: alive == 0, "every run is over", 60)
        finally:
            self.killer.enough.set()
            self.killer.join()
        if self.killer.fault is not None:
            raise self.killer.fault
        ledger = Ledger(self.project, self.killer.killed, self.others.spoilt)
        for plan in self.plans:
            ledger.check_run(plan, expected_log)
        ledger.check_runs_are(self.plans)
        self.check_remains()
        steps = ", ".join(f"{count} {what}" for what, count in sorted(ledger.count.items()))
        struck = ", ".join(f"{kind} {count}" for kind, count in sorted(self.killer.count.items()))
        return f"struck: {struck}; {len(self.plans)} runs with {steps} steps"

    def locate(self) -> Endpoint:
        """Finds the server; one that is killed while it starts is an error, but not of ours."""
        while True:
            try:
                return self.project.connect()
            except AssertionError as error:
                if "it was ended by signal 9" not in str(error) and not self.others.lately():
                    raise

    def submit(self) -> None:
        """Submits one more; the same key finds it if the answer was lost with the server."""
        plan = self.invent(len(self.plans))
        self.plans.append(plan)
        body = bodies.pipeline(
            *plan.steps,
            experiment="kill-loop",
            continue_on_step_failure=plan.continue_on_failure,
            tags={"key": plan.key},
        )
        while not plan.run:
            try:
                plan.run = self.project.client.submit(body, key=plan.key)["id"]
            except Refused as refusal:
                # What is refused was not promised.
                if refusal.answer.status != 507 or not self.others.lately():
                    raise

    def invent(self, number: int) -> Plan:
        """A random pipeline."""
        plan = Plan(f"run-{number}", [], self.chance.random() < 0.8)
        for index in range(self.chance.randint(10, 20)):
            earlier = self.chance.sample(range(index), min(index, self.chance.choice([0, 1, 1, 2])))
            reads = [step for step in earlier if self.chance.random() < 0.7]
            after = [step for step in earlier if step not in reads]
            plan.steps.append(self.step(index, reads, after))
        return plan

    def step(self, index: int, reads: list[int], after: list[int]) -> bodies.Json:
        """One step of it; some are Python, which takes longer to start and has a snapshot."""
        name = f"s{index}"
        edges = {
            "inputs": [bodies.reads(f"in{step}", step, "mark") for step in reads],
            "outputs": [bodies.writes("mark")],
            "after": after,
        }
        pause = bodies.literals(round(self.chance.random() * 0.12, 3))
        ports = [{"output": "mark"}, *pause, *({"input": f"in{step}"} for step in reads)]
        if self.chance.random() < 0.15:
            named = bodies.literals(name)
            return bodies.python(name, "step.py", self.snapshot, *named, *ports, **edges)
        return bodies.shell(name, STEP, *ports, **edges)

    def alive(self) -> int:
        """How many runs are not over; one at least while the server cannot be asked."""
        try:
            return int(self.project.client.get("/workspace")["active_runs"])
        except (OSError, http.client.HTTPException):
            return 1

    def check_remains(self) -> None:
        """Only the server, a supervisor that stands by and what it has loaded may be left; then
        nothing at all.
        """

        def are_idle(left: list[Process]) -> bool:
            rest = [it for it in left if not it.is_loaded]
            return all(it.is_server or it.is_supervisor for it in rest) and len(rest) <= 2

        until(
            self.project.processes,
            are_idle,
            "no step or supervisor is left over",
        )
        self.project.close()
        self.project.check_database()


def main() -> None:
    """The loop by hand, with as many rounds as wanted."""
    rounds = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        try:
            print(KillLoop(project, rounds, seed).run())
        finally:
            project.close()


if __name__ == "__main__":
    main()
