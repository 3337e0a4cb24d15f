"""The books of the kill loop: what was promised against what is found.

Every failure must be explained by a blow that was struck, every step that was not started by a
failure. What is not explained is a fault of the engine.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from .bodies import Json
from .client import TERMINAL
from .processes import Process
from .project import Project

if TYPE_CHECKING:
    from .kill_loop import Plan

# The order of a step's statuses; none comes twice.
ORDER = ["NotStarted", "Preparing", "Running", "Ended"]


class Ledger:
    """Who was killed, and how many steps ended how."""

    def __init__(
        self,
        project: Project,
        killed: list[tuple[str, Process]],
        spoilt: Callable[[float, float], bool] = lambda begin, end: False,
    ) -> None:
        self.project = project
        # Whether the disk was full at some time between two moments.
        self.spoilt = spoilt
        self.killed = [process for _, process in killed]
        self.count: Counter[str] = Counter()

    def check_runs_are(self, plans: list[Plan]) -> None:
        """There is one run for each submission, and no other."""
        runs = self.project.client.runs(experiment="kill-loop")
        assert sorted(run["id"] for run in runs) == sorted(plan.run for plan in plans)

    def check_run(self, plan: Plan, expected_log: Callable[[str], str]) -> None:
        """One run with all its steps."""
        client = self.project.client
        run = client.run(plan.run)
        assert run["tags"] == {"key": plan.key}, (plan, run)
        steps = client.steps(plan.run)
        assert [step["display_name"] for step in steps] == [step["name"] for step in plan.steps]
        completed = all(step["status"] == "Completed" for step in steps)
        assert run["status"] == ("Completed" if completed else "Failed"), run
        self.check_events(plan, steps, run)
        for index, step in enumerate(steps):
            self.count[step["status"]] += 1
            self.check_step(step, expected_log)
            if step["status"] == "Canceled":
                self.check_skipped(plan, steps, index)
            elif step["status"] == "Completed":
                before = [steps[dependency] for dependency in plan.dependencies(index)]
                assert all(it["status"] == "Completed" for it in before), (step, before)

    def check_events(self, plan: Plan, steps: list[Json], run: Json) -> None:
        """The stream tells each step's life once and in order, and the run's end last of all."""
        events = self.project.client.events(plan.run)
        assert [event["seq"] for event in events] == sorted({event["seq"] for event in events})
        assert (events[-1]["run"], events[-1]["status"]) == (run["id"], run["status"]), events
        for step in steps:
            statuses = [event["status"] for event in events if event["run"] == step["id"]]
            assert statuses and statuses[-1] == step["status"], (step, statuses)
            ranks = ["Ended" if status in TERMINAL else status for status in statuses]
            assert ranks == [rank for rank in ORDER if rank in ranks], (step, statuses)

    def check_step(self, step: Json, expected_log: Callable[[str], str]) -> None:
        """One step by its status: its mark, its log, and the reason if it failed."""
        name = step["display_name"]
        (output,) = step["outputs"]
        mark = Path(output["local_path"])
        ran = mark.read_text() if mark.exists() else ""
        log = self.project.client.log(step["id"])
        if step["status"] in ("Completed", "Failed") and self.was_spoilt(step):
            # What it wrote may be cut; still, it ran once at most.
            self.count["on a full disk"] += 1
            assert f"{name} ran\n".startswith(ran), (step, ran)
        elif step["status"] == "Completed":
            assert (ran, log) == (f"{name} ran\n", expected_log(name)), (step, ran, log)
        elif step["status"] == "Failed":
            assert ran in ("", f"{name} ran\n"), (step, ran)
            assert expected_log(name).startswith(log), (step, log)
            self.check_failed(step)
        else:
            assert (step["status"], ran, log) == ("Canceled", "", ""), (step, ran, log)

    def was_spoilt(self, step: Json) -> bool:
        """Whether the disk was full while it was prepared, ran, or was ended."""
        begin = step["started_at"] or step["created_at"]
        moments = [
            datetime.fromisoformat(text.replace("Z", "+00:00"))
            for text in (begin, step["ended_at"] or begin)
        ]
        return self.spoilt(*(moment.timestamp() for moment in moments))

    def check_failed(self, step: Json) -> None:
        """The reason must name the blow that was struck."""
        kind, message = step["error"]["kind"], step["error"]["message"]
        if "before it started the script" in message:
            # It was killed before it signed for the step, so its number is nowhere to be read.
            assert kind == "lost" and any(process.is_supervisor for process in self.killed), step
            return
        supervisor = self.project.claim(step["id"])["supervisor"]
        if kind == "signal":
            assert step["usage"]["signal"] == 9, step
            # A program killed before it was loaded still looked like its supervisor.
            assert any(process.parent == supervisor["pid"] for process in self.killed), step
        else:
            killed = {(process.pid, process.start_ticks) for process in self.killed}
            assert kind == "lost", step
            assert (supervisor["pid"], supervisor["start_ticks"]) in killed, step

    def check_skipped(self, plan: Plan, steps: list[Json], index: int) -> None:
        """A step is left out because of a failure: of one before it, or, if that stops all, any."""
        assert steps[index]["error"]["kind"] == "skipped", steps[index]
        if plan.continue_on_failure:
            causes = [steps[dependency] for dependency in plan.dependencies(index)]
            assert any(cause["status"] != "Completed" for cause in causes), (steps[index], causes)
        else:
            assert any(step["status"] == "Failed" for step in steps), steps[index]
