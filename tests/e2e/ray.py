"""A Ray cluster of a head and one more node on this machine, which ends with its starter."""

from __future__ import annotations

import json
import urllib.request

from .keeper import Keeper


class Ray:
    """The cluster. Each node has one of a resource of its own name: `head` and `n1`."""

    def __init__(self) -> None:
        needed = "Ray did not start: `scripts/ray-here install VENV`, and RAY_HERE_VENV=VENV?"
        self._keeper = Keeper("ray-here", needed)
        self.address = self._keeper.said

    def start_node(self, name: str, *resource: str) -> None:
        """Starts one more node, with one of a resource that several may have if that is named."""
        self._keeper.call("node", name, *resource)

    def kill_node(self, name: str) -> None:
        """Kills a node with all that runs there."""
        self._keeper.call("kill", name)

    def jobs(self, *states: str) -> list[str]:
        """The ids of the jobs in one of these states."""
        open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        with open_url(f"{self.address}/api/jobs/", timeout=60) as answer:
            listed = json.load(answer)
        return [job["submission_id"] for job in listed if job["status"] in states]

    def close(self) -> None:
        """Ends it."""
        self._keeper.close()
