"""References to rows of a database: a table, a query or a stored procedure.

A `DataTransferStep` reads them, and writes to a table.
"""

from __future__ import annotations

from typing import Any, List, NoReturn, Optional

from azureml.data.data_reference import DataReference
from azureml.exceptions import UserErrorException


class SqlDataReference(DataReference):
    """Rows of a database, under a name."""

    def __init__(
        self,
        datastore: Any,
        data_reference_name: Optional[str] = None,
        sql_table: Optional[str] = None,
        sql_query: Optional[str] = None,
        sql_stored_procedure: Optional[str] = None,
        sql_stored_procedure_params: Optional[List[Any]] = None,
    ) -> None:
        """Refer to the rows of exactly one of a table, a query and a stored procedure."""
        super().__init__(datastore, data_reference_name)
        if sum(bool(each) for each in (sql_table, sql_query, sql_stored_procedure)) > 1:
            raise UserErrorException(
                "name one of sql_table, sql_query and sql_stored_procedure, not several"
            )
        self.sql_table = sql_table
        self.sql_query = sql_query
        self.sql_stored_procedure = sql_stored_procedure
        self.sql_stored_procedure_params = sql_stored_procedure_params

    def path(
        self, path: Optional[str] = None, data_reference_name: Optional[str] = None
    ) -> NoReturn:
        """Refuse: rows have no paths."""
        raise NotImplementedError("rows of a database have no paths")

    def as_download(
        self, path_on_compute: Optional[str] = None, overwrite: bool = False
    ) -> NoReturn:
        """Refuse: rows are copied by a DataTransferStep."""
        raise NotImplementedError("rows of a database cannot be downloaded by a reference")

    def as_upload(self, path_on_compute: Optional[str] = None, overwrite: bool = False) -> NoReturn:
        """Refuse: rows are copied by a DataTransferStep."""
        raise NotImplementedError("rows of a database cannot be uploaded by a reference")

    def as_mount(self) -> NoReturn:
        """Refuse: rows cannot be mounted."""
        raise NotImplementedError("rows of a database cannot be mounted")

    def to_config(self) -> NoReturn:
        """Refuse: a run configuration takes files only."""
        raise NotImplementedError("a run configuration cannot take rows of a database")
