"""What `get_metrics` gives for what was logged, and which runs a filter lets through."""

from __future__ import annotations

import math
from typing import Any

import pytest

from azureml.core import _run_filter
from azureml.core._run_metrics import shaped


def _series(kind: str, *values: Any) -> Any:
    return [{"name": "m", "points": [{"kind": kind, "value": value} for value in values]}]


@pytest.mark.parametrize(
    ("kind", "logged", "read"),
    [
        ("scalar", [0.5], 0.5),
        ("scalar", [1, 2, 3], [1, 2, 3]),
        ("scalar", ["Infinity"], math.inf),
        ("list", [[1, 2]], [1, 2]),
        ("list", [[1], [2, 3]], [1, 2, 3]),
        ("row", [{"x": 1, "y": 2}], {"x": 1, "y": 2}),
        ("row", [{"x": 1, "y": 2}, {"x": 3}], {"x": [1, 3], "y": [2, None]}),
        ("table", [{"x": [1, 2]}], {"x": [1, 2]}),
        ("table", [{"x": [1]}, {"x": [2], "y": 3}], {"x": [1, 2], "y": [3]}),
        ("image", [{"path": "roc_1.png"}], "aml://artifactId/ExperimentRun/dcid.r/roc_1.png"),
        ("json", [{"matrix": [[1]]}], {"matrix": [[1]]}),
    ],
)
def test_values_have_the_shapes_of_v1(kind: str, logged: Any, read: Any) -> None:
    assert shaped("r", _series(kind, *logged)) == {"m": read}


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (None, True),
        ("stage", True),
        ("other", False),
        ({"stage": "dev"}, True),
        ({"stage": None}, True),
        ({"stage": "prod"}, False),
        (["stage", "other"], False),
    ],
)
def test_tags_are_asked_for_by_key_pair_or_list(wanted: Any, fits: bool) -> None:
    assert _run_filter.has({"stage": "dev"}, wanted) is fits
