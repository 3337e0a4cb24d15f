"""How the files of a table are read, as plain data. Nothing is read here."""

from __future__ import annotations

import codecs
from typing import Any, Dict, Mapping, Optional

from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import UserErrorException

# v1's names of encodings and Python's.
_ENCODINGS = {
    "utf8": "utf-8",
    "iso88591": "iso-8859-1",
    "latin1": "latin-1",
    "ascii": "ascii",
    "utf16": "utf-16",
    "utf32": "utf-32",
    "utf8bom": "utf-8-sig",
    "windows1252": "cp1252",
}


def delimited(
    separator: str = ",",
    header: Any = True,
    encoding: str = "utf8",
    infer_column_types: bool = True,
    empty_as_string: bool = False,
    include_path: bool = False,
    set_column_types: Optional[Mapping[str, Any]] = None,
    multi_line: bool = False,
) -> Dict[str, Any]:
    """Reading of delimited text; `multi_line` keeps a file with quoted line breaks in one piece."""
    if not isinstance(separator, str) or not separator:
        raise UserErrorException("separator is a text of at least one character")
    made = {
        "format": "delimited",
        "separator": separator,
        "header": header_word(header),
        "encoding": codec(encoding),
        "infer": bool(infer_column_types),
        "empty_as_string": bool(empty_as_string),
        "include_path": bool(include_path),
        "types": column_types(set_column_types),
    }
    if multi_line:  # left out otherwise, so that a definition of before it was known is the same
        made["multi_line"] = True
    return made


def parquet(
    include_path: bool = False, set_column_types: Optional[Mapping[str, Any]] = None
) -> Dict[str, Any]:
    """Reading of Parquet files."""
    return {
        "format": "parquet",
        "include_path": bool(include_path),
        "types": column_types(set_column_types),
    }


def json_lines(
    include_path: bool = False,
    set_column_types: Optional[Mapping[str, Any]] = None,
    invalid_lines: str = "error",
    encoding: str = "utf8",
) -> Dict[str, Any]:
    """Reading of files with one JSON object in each line."""
    if invalid_lines not in ("error", "drop"):
        raise UserErrorException(f"invalid_lines is `error` or `drop`, not {invalid_lines!r}")
    return {
        "format": "json_lines",
        "include_path": bool(include_path),
        "types": column_types(set_column_types),
        "drop_invalid": invalid_lines == "drop",
        "encoding": codec(encoding),
    }


def of_output(word: str, settings: Mapping[str, Any]) -> Dict[str, Any]:
    """The reading of an output's files, as `read_delimited_files` and its kin describe it.

    `path_glob` chooses among the files by their paths below the output; `extension` by how they
    end.
    """
    common = {
        "include_path": settings["include_path"],
        "set_column_types": settings["set_column_types"],
    }
    if word == "read_parquet_files":
        made = parquet(**common)
    else:
        made = delimited(
            separator=settings["separator"],
            header=settings["header"],
            multi_line=bool(settings.get("multi_line")),
            **common,
        )
    made["glob"] = settings.get("path_glob")
    made["extension"] = settings.get("extension")
    return made


def header_word(header: Any) -> str:
    """The name of a behaviour; `True` and `False` are the two that v1 lets them stand for."""
    if isinstance(header, bool):
        header = (
            PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS
            if header
            else PromoteHeadersBehavior.NO_HEADERS
        )
    if not isinstance(header, PromoteHeadersBehavior):
        raise UserErrorException(f"header is a bool or a PromoteHeadersBehavior, not {header!r}")
    return header.name


def codec(encoding: Any) -> str:
    """Python's name of an encoding."""
    name = str(getattr(encoding, "name", encoding)).lower().replace("-", "").replace("_", "")
    try:
        return codecs.lookup(_ENCODINGS.get(name, str(encoding))).name
    except LookupError:
        raise UserErrorException(
            "{!r} is no encoding; use one of {}".format(encoding, ", ".join(_ENCODINGS))
        ) from None


def column_types(types: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """The types of columns that a program set, as plain data."""
    made = {}
    for column, kind in (types or {}).items():
        spec = getattr(kind, "_spec", None)
        if spec is None:
            raise UserErrorException(
                f"the type of column `{column}` is {kind!r}; use one that DataType makes, such as "
                "DataType.to_string()"
            )
        made[column] = dict(spec)
    return made
