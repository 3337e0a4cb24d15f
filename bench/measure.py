"""What a measurement is: pairs of times taken in turn, their medians, and a verdict.

The machine is shared and its speed changes from minute to minute, so a figure alone says little.
Ours and the floor are measured one right after the other, the order changing with every pair, and
the ratio is the median of the pairs' ratios: a slow minute slows both sides of a pair.

That does not help against other work on the machine. Linux shares the processor out by session
(autogroup): a step has a session of its own, all processes of a peer have one together, so beside
other work a step gets more than a peer does and the ratio flatters us. Before each pair the
machine is looked at, and a ratio from a busy one gets no verdict.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Callable, List, NamedTuple, Optional, Tuple

Seconds = Callable[[], float]

LOOK_S = 0.5
CALM = 0.85
UNSURE = "UNSURE"


class Pair(NamedTuple):
    """One measurement of ours and one of the floor, in seconds."""

    ours: float
    floor: float
    calm: bool


class Figure(NamedTuple):
    """One line of the report."""

    name: str
    value: str
    target: str
    met: Optional[bool]
    ratio: str
    note: str

    def __str__(self) -> str:
        """The figure, its target, its ratio to the floor, and the verdict in one word."""
        verdict = {True: "met", False: "MISSED", None: UNSURE if self.target else "-"}[self.met]
        head = f"{self.name:<36} {self.value:>9}  {self.target:<12} {verdict:<7}"
        return f"{head} {self.ratio:<9} {self.note}".rstrip()


def timed(work: Callable[[], object]) -> float:
    """How long the work takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pairs(ours: Seconds, floor: Seconds, count: int) -> Tuple[Pair, ...]:
    """Measures both in turn; the first of a pair is the second of the next.

    Neither is warmed up before: what must be warm is warmed by the caller.
    """
    measured = []
    for number in range(count):
        calm = _idle() >= CALM
        if number % 2:
            below = floor()
            measured.append(Pair(ours(), below, calm))
        else:
            above = ours()
            measured.append(Pair(above, floor(), calm))
    return tuple(measured)


def _idle() -> float:
    """The idle share of the processors, looked at for a moment."""
    before = _ticks()
    time.sleep(LOOK_S)
    spent = [after - earlier for after, earlier in zip(_ticks(), before)]
    # The fourth and fifth of the times are those with nothing to do and of waiting for a disk.
    return (spent[3] + spent[4]) / max(sum(spent), 1)


def _ticks() -> List[int]:
    with open("/proc/stat", encoding="ascii") as stat:
        return [int(ticks) for ticks in stat.readline().split()[1:9]]


def ratio(measured: Tuple[Pair, ...]) -> float:
    """The median of the pairs' ratios."""
    return median(pair.ours / pair.floor for pair in measured)


def relative(name: str, measured: Tuple[Pair, ...], target: float, floor: str) -> Figure:
    """A figure whose target is a multiple of its floor.

    Where we do all that the floor does, and the target is no less than one, a ratio below one tells
    of the machine and not of us.
    """
    times = ratio(measured)
    possible = times >= 1 or target < 1
    sure = possible and 2 * sum(pair.calm for pair in measured) > len(measured)
    ours, below = _medians(measured)
    return Figure(
        name=name,
        value=_seconds(ours),
        target=f"<= {target:.2f} x",
        met=times <= target if sure else None,
        ratio=f"{times:.2f} x",
        note=_note(measured, floor, below),
    )


def absolute(name: str, measured: Tuple[Pair, ...], target: Optional[float], floor: str) -> Figure:
    """A figure whose target is a time; the floor tells what the machine is like now."""
    ours, below = _medians(measured)
    return Figure(
        name=name,
        value=_seconds(ours),
        target="" if target is None else f"<= {_seconds(target)}",
        met=None if target is None else ours <= target,
        ratio=f"{ratio(measured):.2f} x",
        note=_note(measured, floor, below),
    )


def _note(measured: Tuple[Pair, ...], floor: str, below: float) -> str:
    """The floor, and how far the pairs are apart: a wide spread is a busy machine."""
    ratios = [pair.ours / pair.floor for pair in measured]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f} x in {len(ratios)} pairs"
    busy = sum(not pair.calm for pair in measured)
    if busy:
        spread += f", {busy} on a busy machine"
    return f"of {floor} {_seconds(below)}; {spread}"


def _medians(measured: Tuple[Pair, ...]) -> Tuple[float, float]:
    return median(pair.ours for pair in measured), median(pair.floor for pair in measured)


def _seconds(seconds: float) -> str:
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
