"""What a trial of a search costs beside a step of a pipeline: many that do nothing.

Both run the same script with the same interpreter on a target with two slots. The search's own
process is measured by its processor time, which its run tells.
"""

from __future__ import annotations

from typing import Any, Dict, List

import measure
from workspace import PYTHON, Workspace, step

NOTHING = "pass\n"
TARGET = 1.0


def trials(count: int, repetitions: int) -> measure.Figure:
    """A search of trivial trials, beside a pipeline of as many trivial steps."""
    shares: List[float] = []
    with Workspace() as workspace:
        script = workspace.script(NOTHING)
        workspace.call("PUT", "/computes/slots", {"concurrent_steps_max": 2})
        steps = [step(script, target="slots", python=PYTHON) for _ in range(count)]

        def search() -> float:
            def work() -> None:
                runs.append(workspace.submit([_search(script, count)]))
                workspace.finish(runs[-1])

            runs: List[str] = []
            taken = measure.timed(work)
            children = workspace.call("GET", "/runs?parent=" + runs[-1])["runs"]
            usage = workspace.call("GET", "/runs/" + children[0]["id"])["usage"]
            shares.append(usage["cpu_seconds"] / taken)
            return taken

        def pipeline() -> float:
            return measure.timed(lambda: workspace.finish(workspace.submit(steps)))

        measured = measure.pairs(search, pipeline, repetitions)
    figure = measure.relative(f"{count:,} trivial trials", measured, TARGET, "steps")
    share = f"the tuner's own processor time is {100 * max(shares):.1f} % of it"
    # A search does less than a pipeline of as many steps, so it may be quicker.
    met = measure.ratio(measured) <= TARGET
    return figure._replace(met=met, note=f"{figure.note}; {share}")


def _search(snapshot: str, count: int) -> Dict[str, Any]:
    trial = {name: value for name, value in step(snapshot)["task"].items() if name != "type"}
    task = {
        "type": "tune",
        "trial": trial,
        "trial_target": "slots",
        "search": {
            "sampling": "random",
            "space": [["x", ["uniform", [0, 1]]]],
            "primary_metric": {"name": "loss", "goal": "minimize"},
            "policy": {"name": "Default"},
            "max_total_runs": count,
            "max_concurrent_runs": count,
            "max_duration_minutes": 1000,
            "resume_from": [],
            "resume_child_runs": [],
            "seed": 1,
        },
    }
    return {"name": "search", "kind": "HyperDrive", "target": "tuning", "task": task, "after": []}
