"""A log of everything the SDK does, for a report of a problem."""

from __future__ import annotations

import logging
from typing import Any, Optional

_LOGGERS = ("azureml", "stepwell")
_FORMAT = "%(asctime)s|%(name)s|%(levelname)s|%(message)s"


class diagnostic_log:
    """Writes the SDK's debug messages to a file, within a `with` block or between two calls."""

    def __init__(self, log_path: str) -> None:
        self._path = log_path
        self._handler: Optional[logging.Handler] = None

    def start_capture(self) -> None:
        """Begin to write."""
        if self._handler is not None:
            return
        handler = logging.FileHandler(self._path, encoding="utf-8")
        handler.setFormatter(logging.Formatter(_FORMAT))
        self._handler = handler
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG)

    def stop_capture(self) -> None:
        """Stop writing and close the file."""
        if self._handler is None:
            return
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            logger.removeHandler(self._handler)
            logger.setLevel(logging.NOTSET)
        self._handler.close()
        self._handler = None

    def __enter__(self) -> diagnostic_log:
        """Begin to write."""
        self.start_capture()
        return self

    def __exit__(self, *error: Any) -> None:
        """Stop writing."""
        self.stop_capture()
