"""The work of a `DataTransferStep`: data copied from one place to another by the engine."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional

from azureml.pipeline.core._data_kinds import SQL_REFERENCE, is_a
from azureml.pipeline.core._task_context import TaskContext


class TransferWork(NamedTuple):
    """What is copied where. No program of the user's runs."""

    source: str
    """The port that names what is copied."""
    destination: str
    """The port that names where to."""
    output: str
    """The port through which later steps read what was copied."""
    source_type: Optional[str]
    """`file` or `directory`; what is there when `None`."""
    destination_type: Optional[str]
    """`file` or `directory`; what is there, else what the source is, when `None`."""
    target: str
    """The name of the compute target."""
    rows: Dict[str, Any] = {}
    """Which rows are copied and how they are written, where an end is a database."""

    def wire(self, context: TaskContext) -> Dict[str, Any]:
        """The task as the server takes it."""
        return {
            "type": "transfer",
            "source": self.source,
            "destination": self.destination,
            "output": self.output,
            "source_type": self.source_type,
            "destination_type": self.destination_type,
            **self.rows,
        }


def rows_of(source: Any, destination: Any) -> Dict[str, Any]:
    """Which rows are copied and how they are written, as the server takes it.

    Raises:
        ValueError: A reference to rows does not say which, or cannot be written to.
    """
    rows: Dict[str, Any] = {}
    if is_a(source, SQL_REFERENCE):
        select = _selection(source)
        if select is not None:
            rows["select"] = select
    if is_a(destination, SQL_REFERENCE):
        if not destination.sql_table:
            raise ValueError(
                f"`{destination.data_reference_name}` is written to, so it must name a "
                "table; a query and a stored procedure are "
                "sources"
            )
        mode = getattr(destination, "mode_of_writing", None)
        if mode is not None:
            rows["mode"] = mode
            rows["keys"] = list(destination.keys)
            rows["create"] = destination.creates
    return rows


def _selection(reference: Any) -> Optional[Dict[str, Any]]:
    if reference.sql_query:
        return {"type": "query", "query": reference.sql_query}
    if reference.sql_stored_procedure:
        given = reference.sql_stored_procedure_params or []
        return {
            "type": "procedure",
            "name": reference.sql_stored_procedure,
            "parameters": [_parameter(each) for each in given],
        }
    if not reference.sql_table:
        raise ValueError(
            f"`{reference.data_reference_name}` says of no rows which they are; pass "
            "sql_table, sql_query or "
            "sql_stored_procedure"
        )
    return None


def _parameter(given: Any) -> Dict[str, Any]:
    kind = getattr(given.type, "value", given.type)
    value = given.value
    if isinstance(value, bool):
        value = "true" if value else "false"
    return {
        "name": given.name,
        "value": None if value is None else str(value),
        "type": str(kind).lower(),
    }
