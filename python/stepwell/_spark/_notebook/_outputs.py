"""What cells put out, as Jupyter keeps it (format 4.5).

Printed text goes on to the step's log as well. Values of secrets are replaced before they are
kept or printed. A thread that a cell starts writes to the notebook that started it.
"""

from __future__ import annotations

import sys
import threading
from typing import Any, Callable, Dict, List, Optional

REDACTED = "[REDACTED]"
TEXT_MAX = 1 << 20  # characters that one cell keeps of what it prints; the log has all of it
SECRET_MIN = 4  # characters; replacing shorter ones would garble every text

Output = Dict[str, Any]


class Secrets(object):
    """Values that may not be shown."""

    def __init__(self) -> None:
        self._values: List[str] = []

    def add(self, value: str) -> None:
        """From now on, replace this value."""
        if len(value) >= SECRET_MIN and value not in self._values:
            self._values.append(value)
            self._values.sort(key=len, reverse=True)

    def redact(self, text: str) -> str:
        """The text without the values."""
        for value in self._values:
            text = text.replace(value, REDACTED)
        return text


class Sink(object):
    """The outputs of one cell."""

    def __init__(self, secrets: Secrets, changed: Callable[[], None] = lambda: None) -> None:
        self.outputs: List[Output] = []
        self._secrets = secrets
        self._changed = changed
        self._room = TEXT_MAX
        self._lock = threading.Lock()

    def text(self, stream: str, text: str) -> None:
        """Keep printed text; what is printed in a row is one output."""
        text = self._secrets.redact(text)
        with self._lock:
            if self._room <= 0:
                return
            if len(text) > self._room:
                text = text[: self._room] + "\n… the rest is in the step's log\n"
            self._room -= len(text)
            last = self.outputs[-1] if self.outputs else {}
            if last.get("output_type") == "stream" and last.get("name") == stream:
                last["text"] += text
            else:
                self.outputs.append({"output_type": "stream", "name": stream, "text": text})

    def show(self, data: Dict[str, str]) -> None:
        """Keep a value by its representations, by media type."""
        data = {
            kind: self._secrets.redact(value) if kind.startswith("text/") else value
            for kind, value in data.items()
        }
        with self._lock:
            self.outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
        self._changed()

    def error(self, name: str, value: str, traceback: str) -> None:
        """Keep what ended the cell."""
        with self._lock:
            self.outputs.append(
                {
                    "output_type": "error",
                    "ename": name,
                    "evalue": self._secrets.redact(value),
                    "traceback": self._secrets.redact(traceback).rstrip("\n").split("\n"),
                }
            )


class _Current(threading.local):
    """Where the calling thread writes."""

    sink: Optional[Sink] = None


class Streams(object):
    """Replaces the program's output streams while a notebook runs."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self._current = _Current()
        self._main: Optional[Sink] = None
        self._kept = (sys.stdout, sys.stderr)

    def __enter__(self) -> Streams:
        self._kept = (sys.stdout, sys.stderr)
        sys.stdout = _Stream(self, "stdout", self._kept[0])
        sys.stderr = _Stream(self, "stderr", self._kept[1])
        return self

    def __exit__(self, *_: Any) -> None:
        sys.stdout, sys.stderr = self._kept

    @property
    def sink(self) -> Optional[Sink]:
        """The outputs of the cell that the calling thread belongs to."""
        return self._current.sink or self._main

    def enter(self, sink: Optional[Sink]) -> Optional[Sink]:
        """Have the calling thread write there; gives where it wrote before."""
        before = self._current.sink
        self._current.sink = sink
        if threading.current_thread() is threading.main_thread():
            self._main = sink
        return before

    def log(self, text: str) -> None:
        """Write to the step's log only."""
        self._kept[0].write(self.secrets.redact(text))
        self._kept[0].flush()


class _Stream(object):
    """A text stream that writes to the log and to the cell."""

    def __init__(self, streams: Streams, name: str, log: Any) -> None:
        self._streams = streams
        self._name = name
        self._log = log

    def write(self, text: str) -> int:
        """Write; gives the number of characters."""
        sink = self._streams.sink
        if sink is not None:
            sink.text(self._name, text)
        self._log.write(self._streams.secrets.redact(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write one text after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Have the log see what was written."""
        self._log.flush()

    def isatty(self) -> bool:
        """Nobody types here."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)
