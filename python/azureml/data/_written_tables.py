"""Tables that a `DataTransferStep` writes to, where v1 has no words for how."""

from __future__ import annotations

from typing import Any, List, Sequence

from azureml.data.sql_data_reference import SqlDataReference

MODES = ("append", "replace", "upsert")


class WrittenTable(SqlDataReference):
    """A table, and how rows are written to it."""

    def __init__(
        self,
        datastore: Any,
        name: str,
        sql_table: str,
        mode: str,
        keys: Sequence[str],
        create: bool,
    ) -> None:
        """See `stepwell.datastores.table`."""
        super().__init__(datastore, name, sql_table=sql_table)
        if mode not in MODES:
            raise ValueError("rows are written by {}, not by {!r}".format(", ".join(MODES), mode))
        if keys and mode != "upsert":
            raise ValueError(f"keys tell rows apart that are updated; the mode is {mode!r}")
        self.mode_of_writing: str = mode
        self.keys: List[str] = list(keys)
        self.creates: bool = create
