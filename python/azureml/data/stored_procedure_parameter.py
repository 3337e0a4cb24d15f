"""Parameters of a stored procedure."""

from __future__ import annotations

from enum import Enum
from typing import Any, Optional


class StoredProcedureParameterType(Enum):
    """The type of a parameter."""

    String = "String"
    Int = "Int"
    Decimal = "Decimal"
    Guid = "Guid"
    Boolean = "Boolean"
    Date = "Date"


class StoredProcedureParameter:
    """A parameter by its name, value and type."""

    def __init__(
        self, name: str, value: Any, type: Optional[StoredProcedureParameterType] = None
    ) -> None:
        self.name = name
        self.value = value
        self.type: StoredProcedureParameterType = (
            type if type is not None else StoredProcedureParameterType.String
        )
