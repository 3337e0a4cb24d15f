"""Following a run: what happens is printed in an order that makes sense."""

from __future__ import annotations

import json
import math
import threading
import time
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from stepwell._follow import Change, Line, follow, pieces, tail, wait
from stepwell._transport import Response
from stepwell.client import Client


class _Server(Client):
    """A client whose server is a few lists."""

    def __init__(self, events: List[Tuple[str, str]], logs: Dict[str, List[bytes]]) -> None:
        self._events = events
        self._logs = logs
        self.may_end = threading.Event()
        self.may_end.set()

    def events(self, path: str, after: int = 0) -> Iterator[Tuple[int, Any]]:
        for number, (run, status) in enumerate(self._events, 1):
            if number > after:
                yield number, {"run": run, "status": status}

    def read(self, path: str, query: Any = None, timeout_s: float = 0) -> Response:
        run, what = path.split("/")[2:4]
        if what == "wait":
            return Response(200, {}, json.dumps({"status": "Running"}).encode())
        pieces = self._logs[run]
        text = pieces.pop(0) if pieces else b""
        if not pieces:
            self.may_end.wait(20)
        headers = {
            "x-stepwell-next-offset": str(query["offset"] + len(text)),
            "x-stepwell-complete": "false" if pieces else "true",
        }
        return Response(200, headers, text)


def test_lines_are_whole_though_the_bytes_come_in_pieces() -> None:
    euro = "€".encode()
    pieces = [b"one\nt", b"wo\r\n" + euro[:1], euro[1:] + b"\n\n", b"last"]
    assert list(tail(_Server([], {"s": pieces}), "s")) == ["one", "two", "€", "", "last"]


def test_bytes_that_are_no_text_do_not_stop_the_output() -> None:
    assert list(tail(_Server([], {"s": [b"a\xffb\n"]}), "s")) == ["a\ufffdb"]


def test_a_progress_bar_is_given_out_as_it_moves() -> None:
    moves = [b"\r1/3", b"\r2/3", b"\r3/3\n", b"done\r\n", b"50%\r", b"100%\r", b"\nend"]
    assert list(pieces(_Server([], {"s": moves}), "s")) == [
        ("1/3", "\r"),
        ("2/3", "\r"),
        ("3/3", "\n"),
        ("done", "\n"),
        ("50%", "\r"),
        ("100%", "\r"),
        ("100%", "\n"),
        ("end", "\n"),
    ]


def test_a_long_line_is_put_together_once() -> None:
    parts = [b"." * 1000] * 2000
    before = time.process_time()
    (line,) = tail(_Server([], {"s": [*parts, b"\n"]}), "s")
    assert len(line) == 2_000_000
    assert time.process_time() - before < 5


def test_a_step_ends_after_its_last_line_and_the_pipeline_last() -> None:
    events = [
        ("p", "Running"),
        ("a", "Queued"),
        ("a", "Running"),
        ("b", "Running"),
        ("b", "Failed"),
        ("a", "Completed"),
        ("c", "Canceled"),
        ("p", "Failed"),
    ]
    server = _Server(events, {"a": [b"a1\n", b"a2\n"], "b": [b"b1\n"]})
    news = list(follow(server, "p", math.inf))
    assert news[-1] == Change("p", "Failed", None)
    for step, lines in (("a", ["a1", "a2"]), ("b", ["b1"])):
        mine = [each for each in news if each.run == step and each[1] != "Queued"]
        end = "Completed" if step == "a" else "Failed"
        assert mine == [
            Change(step, "Running", None),
            *(Line(step, line) for line in lines),
            Change(step, end, None),
        ]
    assert Change("c", "Canceled", None) in news


def test_the_deadline_ends_the_wait_though_the_run_goes_on() -> None:
    server = _Server([("p", "Running"), ("a", "Running")], {"a": [b"x\n", b""]})
    server.may_end.clear()
    begun = time.monotonic()
    news = list(follow(server, "p", begun + 0.3))
    server.may_end.set()
    assert Line("a", "x") in news and Change("p", "Running", None) in news
    assert time.monotonic() - begun < 10
    assert wait(server, "p", time.monotonic() - 1) == {"status": "Running"}


def test_a_fault_of_a_thread_reaches_the_caller() -> None:
    server = _Server([("a", "Running")], {})
    with pytest.raises(KeyError):
        list(follow(server, "p", time.monotonic() + 20))
