"""The root of v1's internal clients; the ones that libraries use are beside it."""

from __future__ import annotations

from typing import Any, Dict

DEFAULT_BACKOFF = 32
DEFAULT_RETRIES = 3
PAGINATED_KEY = "_paginated"


class ClientBase(object):
    """A client of one workspace."""

    def __init__(self, service_context: Any, **kwargs: Any) -> None:
        """A client for the workspace of `service_context`."""
        self._service_context = service_context

    @property
    def auth(self) -> Any:
        """The way in."""
        return self._service_context.get_auth()

    @property
    def _workspace(self) -> Any:
        return self._service_context._workspace

    @staticmethod
    def _execute_func(func: Any, *args: Any, **kwargs: Any) -> Any:
        """Call and return what it gives."""
        return func(*args, **kwargs)

    def _as_dto(self, record: Dict[str, Any]) -> Any:
        from azureml._restclient.models import RunDto
        from azureml.core import _run_filter

        return RunDto(
            run_id=record["id"],
            parent_run_id=record["parent"],
            root_run_id=record["root"],
            run_number=record["number"],
            name=record["display_name"],
            display_name=record["display_name"],
            description=record["description"],
            status=record["status"],
            target=record["target"],
            tags=dict(record["tags"]),
            properties=_run_filter.properties_of(record),
            run_type=_run_filter.type_of(record),
            created_utc=record["created_at"],
            start_time_utc=record["started_at"],
            end_time_utc=record["ended_at"],
            hidden=False,
        )
