"""The steps of a table applied to parts of it that follow each other.

A step that counts rows or draws a number for each goes on in the next part where it stopped in
the one before, so the parts together have the rows of the whole.
"""

from __future__ import annotations

from typing import Any, List, Sequence

from azureml.data import _table_steps
from azureml.data._definition import Step


class Steps(object):
    """Steps with what they remember from part to part."""

    def __init__(self, steps: Sequence[Step]) -> None:
        """Nothing has been read."""
        self._steps: List[Any] = [_of(step) for step in steps]

    @property
    def are_over(self) -> bool:
        """Whether no part that follows has a row."""
        return any(getattr(step, "is_over", False) for step in self._steps)

    def apply(self, pd: Any, frame: Any) -> Any:
        """The rows of the next part that are left."""
        for step in self._steps:
            frame = step(pd, frame)
        return frame


def _of(step: Step) -> Any:
    if step["do"] == "take":
        return _Take(step)
    if step["do"] == "skip":
        return _Skip(step)
    if step["do"] in ("sample", "split"):
        return _Drawn(step)
    return lambda pd, frame: _table_steps._STEPS[step["do"]](pd, frame, step)


class _Take(object):
    def __init__(self, step: Step) -> None:
        self._left = int(step["count"])

    @property
    def is_over(self) -> bool:
        return self._left == 0

    def __call__(self, pd: Any, frame: Any) -> Any:
        taken = frame.head(self._left)
        self._left -= len(taken)
        return taken


class _Skip(object):
    def __init__(self, step: Step) -> None:
        self._left = int(step["count"])

    def __call__(self, pd: Any, frame: Any) -> Any:
        skipped = min(self._left, len(frame))
        self._left -= skipped
        return frame.iloc[skipped:]


class _Drawn(object):
    """A sample or a split: one number for each row, from one sequence over all parts."""

    def __init__(self, step: Step) -> None:
        import numpy

        self._step = step
        self._sequence = numpy.random.RandomState(step["seed"] % 2**32)

    def __call__(self, pd: Any, frame: Any) -> Any:
        drawn = self._sequence.random_sample(len(frame))
        if self._step["do"] == "sample":
            return frame[drawn < self._step["probability"]]
        first = drawn < self._step["percentage"]
        return frame[first if self._step["part"] == 1 else ~first]
