"""Datastores in the file system of Databricks: descriptions."""

from __future__ import annotations

from typing import Any

from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.constants import DBFS


class DBFSDatastore(AbstractDatastore):
    """The file system of a Databricks workspace."""

    def __init__(self, workspace: Any, name: str) -> None:
        super().__init__(workspace, name, DBFS)
