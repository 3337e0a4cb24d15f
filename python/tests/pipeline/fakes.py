"""Stand-ins for what a pipeline meets outside: a workspace, its client, its datastores."""

from __future__ import annotations

import os
from typing import Any, Dict, List

RUN_ID = "6d1ad4a0-0000-4000-8000-000000000001"


class FakeStore:
    """A datastore, as far as a pipeline looks at one."""

    def __init__(self, name: str = "workspaceblobstore") -> None:
        self.name = name


class FakeClient:
    """Remembers what it is sent and knows a few compute targets."""

    url = "http://127.0.0.1:1"
    token = "secret"
    sdk_path = "/sdk"
    data_folder = "/data"

    def __init__(self, embedded: bool = True) -> None:
        self.embedded = embedded
        self.submitted: List[Dict[str, Any]] = []
        self.pushed: List[str] = []

    def get(self, path: str, **query: Any) -> Any:
        if path == "/workspace":
            return {"embedded": self.embedded}
        if path == "/datastores":
            return {"datastores": [{"name": "workspaceblobstore", "root": os.getcwd()}]}
        assert path == "/computes", path
        return {
            "computes": [
                {"name": "gpus", "created": True},
                {"name": "seen-before", "created": False},
            ]
        }

    def ticket(self) -> str:
        return "t"

    def push_snapshot(self, directory: str) -> str:
        self.pushed.append(directory)
        return "5" * 64

    def forget_snapshots(self) -> None:
        self.pushed.clear()

    def submit(self, body: Dict[str, Any]) -> Dict[str, Any]:
        self.submitted.append(body)
        return {"id": RUN_ID, "experiment": body["experiment"], "kind": "pipeline"}


class FakeWorkspace:
    """A workspace with one datastore."""

    name = "fake"

    def __init__(self, embedded: bool = True) -> None:
        self._client = FakeClient(embedded)
        self.store = FakeStore()

    def get_default_datastore(self) -> FakeStore:
        return self.store
