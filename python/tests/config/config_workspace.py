"""A workspace whose client keeps what it is sent, for tests of what is sent."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from stepwell import errors


class KeepingClient:
    """Answers for compute targets as a shared server does."""

    def __init__(self) -> None:
        self.computes: Dict[str, Dict[str, Any]] = {}
        self.secrets: Dict[str, str] = {}

    def get(self, path: str, **query: Any) -> Any:
        if path == "/computes":
            return {"computes": list(self.computes.values())}
        if path == "/workspace":
            return {"embedded": False}
        record: Optional[Dict[str, Any]] = self.computes.get(path.rpartition("/")[2])
        if record is None:
            raise errors.NotFound("not_found", "there is no such thing")
        return record

    def put(self, path: str, body: Any) -> Any:
        name = path.rpartition("/")[2]
        if path.startswith("/secrets/"):
            self.secrets[name] = body["value"]
            return {}
        self.computes[name] = {"name": name, "created": True, "running": 0, **body}
        return self.computes[name]

    def delete(self, path: str) -> None:
        self.get(path)
        del self.computes[path.rpartition("/")[2]]


class KeepingWorkspace:
    """A workspace without a server."""

    name = "kept"

    def __init__(self) -> None:
        self._client = KeepingClient()

    @property
    def settings(self) -> List[Any]:
        """What each compute target was created with."""
        return [each["settings"] for each in self._client.computes.values()]
