"""Metrics reach the server once each, in batches, however the process ends."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from fake_server import FakeServer, serving

from stepwell import _metrics
from stepwell._plain import restored, scalar, tree
from stepwell.client import Address, Client

PYTHON = Path(__file__).resolve().parents[2]


def _points(server: FakeServer) -> List[Tuple[str, int, Any]]:
    """Writer, number and value of each point that was taken."""
    points = []
    for _, _, body in server.seen:
        for place, point in enumerate(body["points"]):
            points.append((body["writer"], body["first"] + place, point["value"]))
    return points


def _run(server: FakeServer, script: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = dict(os.environ, PYTHONPATH=str(PYTHON), STEPWELL_URL=server.url)
    environment.update(STEPWELL_TOKEN="t", **variables)
    for name in ("STEPWELL_DATA", "STEPWELL_BIN"):
        environment.pop(name, None)
    head = "from stepwell import connect, _metrics\nw = _metrics.writer(connect(), 'r')\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_thousand_values_take_few_requests_and_little_time() -> None:
    with serving(lambda *_: (200, {})) as server:
        writer = _metrics.MetricWriter(Client(Address(server.url, "t", None)), "r")
        before = time.perf_counter()
        for number in range(1000):
            writer.add("loss", "scalar", number)
        spent = time.perf_counter() - before
        writer.flush()
        assert [value for _, _, value in _points(server)] == list(range(1000))
        assert len(server.seen) <= 3
    assert spent < 0.1


def test_values_are_sent_though_nobody_flushes() -> None:
    with serving(lambda *_: (200, {})) as server:
        writer = _metrics.MetricWriter(Client(Address(server.url, "t", None)), "r")
        for value in ("first", "second"):
            writer.add("loss", "scalar", value)
            deadline = time.monotonic() + 20
            while not any(point[2] == value for point in _points(server)):
                assert time.monotonic() < deadline, server.seen
                time.sleep(0.01)


@pytest.mark.parametrize("ending", ["", "raise ValueError('no')", "raise SystemExit(3)"])
def test_nothing_is_lost_at_the_end_of_the_interpreter(ending: str) -> None:
    with serving(lambda *_: (200, {})) as server:
        _run(server, "for i in range(2500): w.add('m', 'scalar', i)\n" + ending)
        assert [value for _, _, value in _points(server)] == list(range(2500))


def test_a_batch_whose_answer_was_lost_is_sent_again_under_the_same_numbers() -> None:
    answers: List[Any] = [None, (200, {})]
    with serving(lambda *_: answers.pop(0)) as server:
        writer = _metrics.MetricWriter(Client(Address(server.url, "t", None)), "r")
        writer.add("m", "scalar", 1)
        writer.flush()
        first, second = [body for _, _, body in server.seen]
        assert first == second


def test_a_forked_child_writes_under_a_name_of_its_own() -> None:
    script = """
        import multiprocessing, os
        w.add('m', 'scalar', 'parent')
        def work(): w.add('m', 'scalar', 'child')
        worker = multiprocessing.get_context('fork').Process(target=work)
        worker.start(); worker.join()
        pid = os.fork()
        if pid == 0:
            w.add('m', 'scalar', 'fork'); w.flush(); os._exit(0)
        os.waitpid(pid, 0)
        w.add('m', 'scalar', 'after')
    """
    with serving(lambda *_: (200, {})) as server:
        done = _run(server, script)
        assert done.returncode == 0, done.stderr
        points = _points(server)
    assert Counter(value for _, _, value in points) == Counter(["parent", "child", "fork", "after"])
    writers = {value: writer for writer, _, value in points}
    assert writers["parent"] == writers["after"]
    assert len({writers["parent"], writers["child"], writers["fork"]}) == 3


def test_what_cannot_be_sent_is_left_in_the_spool_folder(tmp_path: Path) -> None:
    script = """
        from stepwell import client
        client.PATIENCE_S = 0.2
        w.add('m', 'scalar', 1); w.add('m', 'scalar', 'NaN')
    """
    with serving(lambda *_: None) as server:
        done = _run(server, script, STEPWELL_SPOOL=str(tmp_path), AZUREML_RUN_ID="r")
    (kept,) = tmp_path.iterdir()
    body: Dict[str, Any] = json.loads(kept.read_text())
    assert kept.suffix == ".json" and body["first"] == 0
    assert [point["value"] for point in body["points"]] == [1, "NaN"]
    assert "2 logged values" in done.stderr and done.returncode == 0


@pytest.mark.parametrize(
    "ending",
    [
        "os._exit(0)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.execv(sys.executable, [sys.executable, '-c', ''])",
        "multiprocessing.get_context('fork').Pool(1).map(work, [0]); os._exit(0)",
    ],
)
@pytest.mark.parametrize("run", ["AZUREML_RUN_ID", "AZUREML_ROOT_RUN_ID"])
def test_what_was_logged_survives_every_end_of_the_script(
    tmp_path: Path, ending: str, run: str
) -> None:
    script = """
        import multiprocessing, os, signal, sys
        def work(_): w.add('m', 'scalar', 2)
        w.add('m', 'scalar', 1)
    """
    with serving(lambda *_: None) as server:
        _run(server, textwrap.dedent(script) + ending, STEPWELL_SPOOL=str(tmp_path), **{run: "r"})
    kept = []
    for file in tmp_path.iterdir():
        assert file.suffix == ".jsonl"
        header, *points = [json.loads(line) for line in file.read_text().splitlines()]
        assert header["first"] == 0
        assert header.get("run") == (None if run == "AZUREML_RUN_ID" else "r")
        kept += [point["value"] for point in points]
    assert sorted(kept) == ([1, 2] if "Pool" in ending else [1])


def test_a_script_that_ends_well_leaves_nothing_in_the_spool_folder(tmp_path: Path) -> None:
    with serving(lambda *_: (200, {})) as server:
        _run(server, "w.add('m', 'scalar', 1)", STEPWELL_SPOOL=str(tmp_path), AZUREML_RUN_ID="r")
        assert len(_points(server)) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_batch_that_is_too_large_is_sent_in_parts() -> None:
    def answer(method: str, path: str, body: Any) -> Any:
        fits = len(body["points"]) <= 2
        return (200, {}) if fits else (413, {"error": {"code": "too_large", "message": "no"}})

    with serving(answer) as server:
        writer = _metrics.MetricWriter(Client(Address(server.url, "t", None)), "r")
        with writer._sending:  # let all five gather
            for number in range(5):
                writer.add("m", "scalar", number)
        writer.flush()
        taken = [body for _, _, body in server.seen if len(body["points"]) <= 2]
        assert [body["first"] for body in taken] == [0, 2, 4]


class _Array:
    """What a numpy array looks like from outside."""

    def __init__(self, values: List[Any]) -> None:
        self._values = values

    def item(self) -> Any:
        if len(self._values) != 1:
            raise ValueError("can only convert an array of size 1 to a scalar")
        return self._values[0]

    def tolist(self) -> List[Any]:
        return self._values


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (1, 1),
        (True, True),
        ("text", "text"),
        (0.5, 0.5),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (Decimal("1.5"), 1.5),
        (_Array([2.5]), 2.5),
        (_Array([1, 2]), None),
        ([1], None),
        (range(3), None),
        (None, None),
        (object(), None),
    ],
)
def test_a_scalar_is_a_number_or_a_text(value: Any, wire: Any) -> None:
    assert scalar(value) == wire and type(scalar(value)) is type(wire)


def test_a_tree_is_made_plain_to_its_leaves_and_back() -> None:
    plain = tree({"a": _Array([1, math.inf]), "b": (1, None, {"c": _Array([2.0])})})
    assert plain == {"a": [1, "Infinity"], "b": [1, None, {"c": 2.0}]}
    assert restored(plain)["a"] == [1, math.inf]
