"""How far a parallel step is, in words, made from what the server answers."""

from __future__ import annotations

from typing import Any, Dict, List, Optional


def lines(progress: Optional[Dict[str, Any]]) -> List[str]:
    """A few lines; `None` stands for a step that has not begun."""
    if progress is None:
        return ["no mini-batch has begun yet"]
    tally = progress["tally"]
    shown = [
        "mini-batches: {} of {}{} done, {} failed, {} in flight".format(
            tally["done"],
            tally["planned"],
            "" if progress["all_planned"] else " or more",
            tally["failed"],
            progress["in_flight"],
        ),
        "items: {} done, {} failed, {:.1f} a second".format(
            tally["items"], tally["failed_items"], progress["items_per_s"]
        ),
    ]
    if progress["state"] == "running":
        shown.append("workers: " + _workers(progress["workers"]))
        if progress.get("left_s") is not None:
            shown.append("about {} left".format(_span(progress["left_s"])))
    if progress.get("reason"):
        shown.append(progress["reason"])
    return shown


def _workers(workers: List[Dict[str, Any]]) -> str:
    counts: Dict[str, int] = {}
    for worker in workers:
        counts[worker["state"]] = counts.get(worker["state"], 0) + 1
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))


def _span(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
