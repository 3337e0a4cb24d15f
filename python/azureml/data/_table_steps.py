"""What is done to the rows of a table, step by step.

The rows keep their order. A split is decided by a seed that is part of the definition, so its
two parts complement each other whenever and wherever they are read.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from azureml.data import _expressions
from azureml.data._definition import Definition, Step
from azureml.data.dataset_error_handling import DatasetExecutionError


def rows_needed(steps: Sequence[Step]) -> Optional[int]:
    """How many rows the first steps ask for; `None` when all must be read."""
    skipped = 0
    for step in steps:
        if step["do"] == "skip":
            skipped += step["count"]
        elif step["do"] == "take":
            return skipped + int(step["count"])
        elif step["do"] not in ("keep", "drop"):
            return None
    return None


def apply(pd: Any, frame: Any, definition: Definition) -> Any:
    """The frame after all steps of a definition, with rows numbered anew."""
    for step in definition.steps:
        frame = _STEPS[step["do"]](pd, frame, step)
    return _with_objects(frame.reset_index(drop=True))


def _with_objects(frame: Any) -> Any:
    """The frame with texts in columns of objects, which programs for v1 look for by that type.

    From pandas 3 on it would have columns of a type of their own.
    """
    texts = [each for each, kind in enumerate(frame.dtypes) if str(kind) == "str"]
    if not texts:
        return frame
    frame = frame.copy(deep=False)
    for place in texts:
        frame.isetitem(place, frame.iloc[:, place].astype(object))
    return frame


def _take(pd: Any, frame: Any, step: Step) -> Any:
    return frame.head(step["count"])


def _skip(pd: Any, frame: Any, step: Step) -> Any:
    return frame.iloc[step["count"] :]


def _sample(pd: Any, frame: Any, step: Step) -> Any:
    return frame[_draw(len(frame), step["seed"]) < step["probability"]]


def _split(pd: Any, frame: Any, step: Step) -> Any:
    first = _draw(len(frame), step["seed"]) < step["percentage"]
    return frame[first if step["part"] == 1 else ~first]


def _draw(count: int, seed: int) -> Any:
    """A number from 0 to 1 for each row."""
    import numpy

    return numpy.random.RandomState(seed % 2**32).random_sample(count)


def _keep(pd: Any, frame: Any, step: Step) -> Any:
    columns = step["columns"]
    _check_columns(frame, columns)
    return frame[columns]


def _drop(pd: Any, frame: Any, step: Step) -> Any:
    return frame.drop(columns=[each for each in step["columns"] if each in frame.columns])


def _filter(pd: Any, frame: Any, step: Step) -> Any:
    def look_up(kind: str, name: str) -> Any:
        _check_columns(frame, [name])
        return frame[name]

    chosen = _expressions.evaluate(step["condition"], look_up)
    return frame[chosen.fillna(False).astype(bool)]


def _time(pd: Any, frame: Any, step: Step) -> Any:
    _check_columns(frame, [step["column"]])
    times = pd.to_datetime(frame[step["column"]], errors="coerce", utc=True)
    chosen = times.notna()
    for word, is_in in (("after", times.ge), ("before", times.le)):
        bound = step.get(word)
        if bound is not None:
            at = pd.Timestamp(bound)
            at = at.tz_localize("UTC") if at.tzinfo is None else at.tz_convert("UTC")
            chosen &= is_in(at) if step["inclusive"] else is_in(at) & times.ne(at)
    return frame[chosen]


def _check_columns(frame: Any, columns: List[str]) -> None:
    missing = [each for each in columns if each not in frame.columns]
    if missing:
        raise DatasetExecutionError(
            "the table has no column {}; it has {}".format(
                ", ".join(f"`{each}`" for each in missing),
                ", ".join(f"`{each}`" for each in frame.columns) or "none",
            ),
            None,
        )


_STEPS: Dict[str, Any] = {
    "take": _take,
    "skip": _skip,
    "sample": _sample,
    "split": _split,
    "keep": _keep,
    "drop": _drop,
    "filter": _filter,
    "time": _time,
}
