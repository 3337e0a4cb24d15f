"""What happens in a run, as it happens: changes of status and lines of output, in one order.

`tail` gives the output of one run that is a program. `follow` gives a whole pipeline: the
changes of the pipeline and its steps, and the lines its steps print. A step's last change comes
after its last line, and the pipeline's last change comes last. Nothing is printed here.
"""

from __future__ import annotations

import codecs
import json
import math
import threading
import time
from collections import deque
from queue import Empty, Queue
from typing import (
    TYPE_CHECKING,
    Any,
    Deque,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Set,
    Tuple,
    Union,
)

from stepwell import errors
from stepwell.client import Client

if TYPE_CHECKING:
    from stepwell import _wire

OVER = frozenset(("Completed", "Failed", "Canceled"))
POLL_S = 20
ANSWER_S = 15  # how much later than asked a long poll may answer
TAILS_MAX = 256
PREPARING_S = 0.5


class Change(NamedTuple):
    """A run has another status."""

    run: str
    status: str
    message: Optional[str]


class Line(NamedTuple):
    """A step has printed a line, or moved a progress bar."""

    run: str
    text: str
    end: str = "\n"
    """`\\r` for the present state of a line that is not over yet."""


class _Ended(NamedTuple):
    """Everything a step printed was given out."""

    run: str


def tail(client: Client, run: str, deadline: float = math.inf) -> Iterator[str]:
    """The lines a run prints, each as soon as it is whole, until it is over or `deadline`."""
    return (text for text, end in pieces(client, run, deadline) if end == "\n")


def pieces(client: Client, run: str, deadline: float = math.inf) -> Iterator[Tuple[str, str]]:
    """What a run prints as it prints it, each piece with its end.

    A line ends in a line feed. What a progress bar shows, which returns to the beginning of its
    line, is given out as it changes, with a carriage return as its end.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    offset = 0
    line = _OpenLine()
    complete = False
    while not complete and time.monotonic() < deadline:
        timeout_s = _poll_seconds(deadline)
        query = {"offset": offset, "timeout_s": timeout_s}
        response = client.read(f"/runs/{run}/log", query, timeout_s + ANSWER_S)
        complete = response.headers.get("x-stepwell-complete") == "true"
        offset = int(response.headers.get("x-stepwell-next-offset", offset))
        *whole, rest = decoder.decode(response.body, complete).split("\n")
        for text in whole:
            line.add(text)
            yield line.ended(), "\n"
        line.add(rest)
        if line.is_progress and not complete:
            yield line.state(), "\r"
    if line.has_text:
        yield line.ended(), "\n"


class _OpenLine:
    """A line that is not over: its parts, of which those that were overwritten are dropped."""

    def __init__(self) -> None:
        self._parts: List[str] = []
        self.is_progress = False

    @property
    def has_text(self) -> bool:
        return any(self._parts)

    def add(self, text: str) -> None:
        # Only what follows the last return stays on a terminal; a return that ends the text has
        # overwritten nothing yet.
        shown = text.rstrip("\r")
        if "\r" in shown or (shown and self._parts and self._parts[-1].endswith("\r")):
            self._parts = []
            self.is_progress = True
            shown = shown.rsplit("\r", 1)[-1]
        if len(shown) < len(text) and text.endswith("\r"):
            self.is_progress = True
            shown += "\r"
        self._parts.append(shown)

    def state(self) -> str:
        return "".join(self._parts).rstrip("\r")

    def ended(self) -> str:
        text = self.state()
        self._parts = []
        self.is_progress = False
        return text


def wait(client: Client, run: str, deadline: float) -> _wire.Run:
    """The run once it is over, or as it is at `deadline` (of `time.monotonic`)."""
    while True:
        timeout_s = _poll_seconds(deadline)
        query = {"timeout_s": timeout_s}
        response = client.read(f"/runs/{run}/wait", query, timeout_s + ANSWER_S)
        record: _wire.Run = json.loads(response.body)
        if record["status"] in OVER or time.monotonic() >= deadline:
            return record


def _poll_seconds(deadline: float) -> int:
    """How long one answer may take: whole seconds, and none past the deadline."""
    return int(max(0.0, min(POLL_S, math.ceil(min(deadline - time.monotonic(), POLL_S)))))


class _Follower:
    """The threads behind `follow`: one reads the events, one each tails a running step."""

    def __init__(self, client: Client, run: str) -> None:
        self._client = client
        self._run = run
        self.news: Queue[Union[Change, Line, _Ended, Exception]] = Queue()
        self._waiting: Deque[str] = deque()
        self._tails = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        self._spawn(self._read_events)

    def tail(self, step: str) -> None:
        """Give out a step's lines, at once or when another step's are through."""
        with self._lock:
            if self._tails >= TAILS_MAX:
                self._waiting.append(step)
                return
            self._tails += 1
        self._spawn(lambda: self._read_logs(step))

    def _spawn(self, work: Any) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as failure:
                self.news.put(failure)

        threading.Thread(target=guarded, name="stepwell-follow", daemon=True).start()

    def _read_events(self) -> None:
        after = 0
        while True:
            path = f"/runs/{self._run}/events"
            for number, event in self._client.events(path, after):
                after = number
                self.news.put(Change(event["run"], event["status"], event.get("message")))
                if event["run"] == self._run and event["status"] in OVER:
                    return
            time.sleep(0.1)  # a stream that ends early must not become a busy loop

    def _read_logs(self, step: Optional[str]) -> None:
        while step is not None:
            for text, end in pieces(self._client, step):
                self.news.put(Line(step, text, end))
            self.news.put(_Ended(step))
            with self._lock:
                step = self._waiting.popleft() if self._waiting else None
                if step is None:
                    self._tails -= 1


def follow(client: Client, run: str, deadline: float) -> Iterator[Union[Change, Line]]:
    """All news of a pipeline run until it is over, or until `deadline` (of `time.monotonic`)."""
    follower = _Follower(client, run)
    order = _Order(run)
    follower.start()
    while not order.over:
        now = time.monotonic()
        try:
            news = follower.news.get(timeout=max(0.0, min(deadline, order.due) - now))
        except Empty:
            yield from order.overdue(time.monotonic())
            if time.monotonic() >= deadline:
                return
            continue
        if isinstance(news, Exception):
            raise news
        if isinstance(news, Change) and news.status == "Running" and news.run != run:
            order.talking.add(news.run)
            follower.tail(news.run)
        yield from order.sorted(news)


class _Order:
    """Puts news that come from several threads into the order in which they are printed.

    Changes keep the order of the journal. One that ends a step waits for the step's last line,
    and those after it wait too. Lines of a step follow the change that says that it runs. A step
    that prepares for a moment only is not said to.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self.over = False
        self.talking: Set[str] = set()
        self._backlog: Deque[Change] = deque()
        self._announced: Set[str] = set()
        self._early: Dict[str, List[Line]] = {}
        self._preparing: Dict[str, Tuple[float, Change]] = {}

    @property
    def due(self) -> float:
        """When a step will have prepared for long enough to be mentioned."""
        hour = time.monotonic() + 3600.0  # a wait needs some end
        return min([since for since, _ in self._preparing.values()] + [hour])

    def overdue(self, now: float) -> Iterator[Change]:
        """The steps that have prepared for long."""
        for run, (since, change) in list(self._preparing.items()):
            if since <= now:
                del self._preparing[run]
                yield change

    def sorted(self, news: Union[Change, Line, _Ended]) -> Iterator[Union[Change, Line]]:
        """What can be printed now that this has come."""
        if isinstance(news, Line):
            if news.run in self._announced:
                yield news
            else:
                self._early.setdefault(news.run, []).append(news)
            return
        if isinstance(news, Change):
            self._backlog.append(news)
        else:
            self.talking.discard(news.run)
        while self._backlog and not self._must_wait(self._backlog[0]):
            yield from self._pass_on(self._backlog.popleft())

    def _must_wait(self, change: Change) -> bool:
        return change.status in OVER and change.run in self.talking

    def _pass_on(self, change: Change) -> Iterator[Union[Change, Line]]:
        self._preparing.pop(change.run, None)
        if change.status == "Preparing":
            self._preparing[change.run] = time.monotonic() + PREPARING_S, change
            return
        yield change
        if change.status == "Running":
            self._announced.add(change.run)
            yield from self._early.pop(change.run, ())
        self.over = self.over or (change.run == self._run and change.status in OVER)


def failures(client: Client, pipeline: str, most: int = 5) -> List[_wire.Run]:
    """The steps of a pipeline that failed, in the pipeline's order."""
    try:
        page: _wire.RunPage = client.get("/runs", parent=pipeline, status="Failed", limit=most)
    except errors.ApiError:
        return []
    return page["runs"]
