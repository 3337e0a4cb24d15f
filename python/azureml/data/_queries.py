"""What a query on a database gives, as a file of a dataset: the server makes it when it is read."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, Dict, Tuple

from azureml.data._definition import TABLE, Definition
from azureml.data._file_store import StoredFile
from azureml.data._files import QUERY
from azureml.exceptions import UserErrorException
from stepwell import errors


class Query(object):
    """A query on a database, in the place of the datastore of a file."""

    def __init__(self, store: Any, query: str, timeout_s: float) -> None:
        """The rows that `query` gives, in at most so many seconds."""
        self.name: str = store.name
        self.path: str = hashlib.sha256(query.encode()).hexdigest()[:16] + ".parquet"
        self.location: str = f"{QUERY}{self.name}/{self.path}"
        self._workspace = store.workspace
        self._query = query
        self._timeout_s = timeout_s

    def listed(self) -> StoredFile:
        """What is known of the file before it is made: every time it may be another."""
        return StoredFile(self.path, 0, uuid.uuid4().hex, "")

    def _is_here(self) -> bool:
        return False

    def _fetch(self, path: str, target: str, size: int) -> None:
        """Have the query performed, and write its rows to `target` as Parquet."""
        try:
            self._workspace._client.save(
                f"/datastores/{self.name}/rows",
                target,
                # It is the server that says when the time is over.
                self._timeout_s + 30.0,
                query=self._query,
                limit_s=int(self._timeout_s),
            )
        except errors.ApiError as refused:
            raise UserErrorException(str(refused)) from refused


def definition_of(query: Any, reading: Dict[str, Any], timeout_s: int) -> Tuple[Definition, Any]:
    """The definition of the rows of a query, and the datastore it is performed on.

    Raises:
        UserErrorException: It is no query on a database.
    """
    if hasattr(query, "path_on_datastore"):
        store, text = getattr(query, "_datastore", None), query.path_on_datastore
    elif isinstance(query, tuple) and len(query) == 2:
        store, text = query
    else:
        raise UserErrorException(
            "a query is a DataPath or a pair of a datastore and a text, not a "
            f"{type(query).__name__}"
        )
    if store is None:
        raise UserErrorException("the data path names no datastore")
    if not isinstance(text, str) or not text.strip():
        raise UserErrorException("the query is empty")
    place = {"database": store.name, "query": text, "timeout_s": str(int(timeout_s))}
    return Definition(TABLE, (place,), reading), store
