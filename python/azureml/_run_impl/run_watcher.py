"""Copies files of a run to this machine while it goes on, as TensorBoard tools do with its logs."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from typing import Any, Dict, List, Optional

REFRESH_SECONDS = 5.0
_OVER = ("Completed", "Failed", "Canceled", "Finished")


class RunWatcher(object):
    """Keeps a folder of this machine up to date with a folder of a run's files."""

    def __init__(
        self,
        run: Any,
        local_root: str,
        remote_root: str,
        executor: Executor,
        event: Optional[threading.Event] = None,
        session: Any = None,
    ) -> None:
        """Watch the files of `run` below `remote_root`.

        Args:
            run: The run.
            local_root: The folder of this machine.
            remote_root: The beginning of the names of the files, such as `logs`.
            executor: What downloads.
            event: When it is set, the watch ends.
            session: Accepted; the run has a connection of its own.
        """
        self._run = run
        self._local_root = local_root
        self._remote_root = remote_root.strip("/")
        self._executor = executor
        self._event = event or threading.Event()
        self._seen: Dict[str, int] = {}

    def refresh(self) -> None:
        """Download what is new, again and again until the run is over or the event is set."""
        while True:
            over = self._run.get_status() in _OVER
            for future in self.refresh_requests():
                future.result()
            if over or self._event.wait(REFRESH_SECONDS):
                return

    def refresh_requests(self) -> List[Future[None]]:
        """Begin to download the files that are new or have grown."""
        from stepwell._names import below

        prefix = self._remote_root + "/" if self._remote_root else ""
        reply = self._run._client.get(self._run._path + "/files", prefix=prefix or None)
        begun = []
        for file in reply["files"]:
            name, size = file["name"], file.get("size", 0)
            if self._seen.get(name) == size:
                continue
            self._seen[name] = size
            target = below(self._local_root, name[len(prefix) :])
            begun.append(self._executor.submit(self._run.download_file, name, target))
        return begun
