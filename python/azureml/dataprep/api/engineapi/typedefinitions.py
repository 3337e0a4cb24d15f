"""Kinds of values."""

from enum import Enum


class FieldType(Enum):
    """What the values of a column are."""

    STRING = 0
    BOOLEAN = 1
    INTEGER = 2
    DECIMAL = 3
    DATE = 4
    UNKNOWN = 5
    ERROR = 6
    NULL = 7
    DATAROW = 8
    LIST = 9
    STREAM = 10
