"""What `stepwell-transfer` says to SQL Server, done by SQLite: for the server in `tds`.

Those it sends and no others: a statement of another form is an error of the test.
"""

from __future__ import annotations

import datetime
import json
import re
import sqlite3
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import tds_types

WITH = re.compile(
    r"INSERT INTO (?P<table>.+?) \((?P<names>.+?)\)\s+SELECT (?P<values>.+?) "
    r"FROM OPENJSON\(@P1\) WITH \((?P<with>.+)\)$",
    re.DOTALL,
)
MERGE = re.compile(
    r"MERGE INTO (?P<table>.+?) WITH \(HOLDLOCK\) AS target USING (?P<rows>\S+) AS source "
    r"ON (?P<on>.+?)(?: WHEN MATCHED THEN UPDATE SET (?P<set>.+?))? WHEN NOT MATCHED BY TARGET "
    r"THEN INSERT \((?P<names>.+?)\) VALUES \((?P<values>.+)\);$",
    re.DOTALL,
)
# A literal, a quoted name, or the name of a table of the session.
TOKEN = re.compile(r"N?'((?:[^']|'')*)'|\[((?:[^\]]|\]\])*)\]|(#\w+)")
DESCRIBE = "sys.dm_exec_describe_first_result_set("


class Refused(Exception):
    """What the server says instead of an answer."""

    def __init__(self, number: int, text: str, ends_transaction: bool = True) -> None:
        super().__init__(text)
        self.number = number
        self.ends_transaction = ends_transaction


class Result(NamedTuple):
    """Rows with their columns and types, or a count."""

    columns: Optional[List[Tuple[str, str]]]
    rows: Sequence[Tuple[Any, ...]]
    count: int = 0


class Database:
    """A connection to the file."""

    def __init__(self, file: str) -> None:
        self._db = sqlite3.connect(file, isolation_level=None, timeout=30, check_same_thread=False)
        self._is_to_begin = False
        self._db.create_function("unhexed", 1, _unhexed)

    def close(self) -> None:
        """End it; what was not committed is undone."""
        self._db.close()

    def begin(self) -> None:
        """Begin a transaction, with the next statement."""
        self._is_to_begin = True

    def commit(self) -> None:
        """End it with its changes."""
        self._is_to_begin = False
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def rollback(self) -> None:
        """End it without."""
        self._is_to_begin = False
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def rows(self, text: str) -> List[Tuple[Any, ...]]:
        """The rows of the last of some statements, which end with the connection."""
        found: List[Tuple[Any, ...]] = []
        for part in text.split(";\n"):
            found = list(self.batch(part).rows)
        self.close()
        return found

    def batch(self, text: str, parameters: Sequence[Any] = ()) -> Result:
        """Does one statement."""
        text = text.strip()
        try:
            return self._batch(text, parameters)
        except sqlite3.IntegrityError as error:
            raise Refused(2627, f"Violation of a key: {error}") from error
        except sqlite3.OperationalError as error:
            match = re.match("no such table: (.*)", str(error))
            if match:
                raise Refused(208, f"Invalid object name '{match.group(1)}'.") from error
            raise Refused(102, f"{error}: {text}") from error

    def _batch(self, text: str, parameters: Sequence[Any]) -> Result:
        if text.startswith("SET "):
            return Result(None, [])
        if self._is_to_begin:
            # One that writes waits for another, instead of failing when it is the second to.
            is_reading = text.startswith("SELECT")
            self._db.execute("BEGIN" if is_reading else "BEGIN IMMEDIATE")
            self._is_to_begin = False
        if DESCRIBE in text:
            return self._describe(_unquoted(text.split(DESCRIBE)[1]))
        if "FROM sys.columns c" in text:
            return self._columns(text)
        if "FROM sys.indexes i" in text:
            return self._indexes(text)
        if text.startswith("CREATE TABLE"):
            self._db.execute(_create(text))
            return Result(None, [])
        match = WITH.match(text)
        if match:
            return self._insert(match.groupdict(), json.loads(parameters[0]))
        match = MERGE.match(text)
        if match:
            return self._merge(match.groupdict())
        found = self._db.execute(_standard(text))
        if found.description is None:
            return Result(None, [], max(found.rowcount, 0))
        types = self._described(text)
        return Result(types, found.fetchall())

    def _described(self, query: str) -> List[Tuple[str, str]]:
        """The columns of a query, and what each is declared as."""
        found = self._db.execute(_standard(query))
        names = [each[0] for each in found.description]
        found.close()
        self._db.execute("DROP VIEW IF EXISTS temp.described")
        self._db.execute("CREATE TEMP VIEW described AS " + _standard(query))
        try:
            found = self._db.execute("SELECT type FROM pragma_table_info('described')")
            return [(name, _TYPES.get(kind, kind)) for name, (kind,) in zip(names, found)]
        finally:
            self._db.execute("DROP VIEW temp.described")

    def _describe(self, query: str) -> Result:
        columns = [("name", "NVARCHAR(128)"), ("system_type_name", "NVARCHAR(256)")]
        columns += [("error_number", "INT"), ("error_message", "NVARCHAR(4000)")]
        if not re.match(r"(?i)\s*(select|with)\b", query):
            return Result(columns, [])
        try:
            found = self._described(query)
        except sqlite3.OperationalError as error:
            number = 208 if "no such table" in str(error) else 102
            return Result(columns, [(None, None, number, str(error))])
        rows = [(name, kind.replace("TEXT_", "").lower(), None, None) for name, kind in found]
        return Result(columns, rows)

    def _columns(self, text: str) -> Result:
        columns = [("name", "NVARCHAR(128)"), ("type", "NVARCHAR(128)"), ("is_identity", "BIT")]
        table = _name(_unquoted(text.split("OBJECT_ID(")[1]))
        found = self._db.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        return Result(columns, [(name, tds_types.parse(kind)[0], False) for name, kind in found])

    def _indexes(self, text: str) -> Result:
        columns = [("index_id", "INT"), ("is_primary_key", "BIT"), ("name", "NVARCHAR(128)")]
        table = _name(_unquoted(text.split("OBJECT_ID(")[1]))
        query = "SELECT pk, name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"
        found = self._db.execute(query, (table,)).fetchall()
        return Result(columns, [(1, True, name) for _, name in found])

    def _insert(self, parts: Dict[str, str], given: List[List[Any]]) -> Result:
        """Rows of a JSON text, each value by the type that it is to be taken as."""
        types = re.findall(r"c\d+ (.+?) '\$\[\d+\]'", parts["with"])
        parsed = [[_value(kind, each) for kind, each in zip(types, row)] for row in given]
        declared = self._declared(parts["table"])
        names = [_name(each) for each in re.findall(r"\[(?:[^\]]|\]\])*\]|c\d+", parts["names"])]
        marks = parts["values"].replace("CONVERT(VARBINARY(MAX), ", "unhexed(").replace(", 2)", ")")
        marks = re.sub(r"c(\d+)", lambda found: f"?{int(found.group(1)) + 1}", marks)
        line = "INSERT INTO {} ({}) VALUES ({})".format(
            _standard(parts["table"]), ", ".join(map(_quoted, names)), marks
        )
        rows = [_fitted([declared[name] for name in names], row) for row in parsed]
        self._db.executemany(line, rows)
        return Result(None, [], len(rows))

    def _declared(self, table: str) -> Dict[str, str]:
        found = self._db.execute("SELECT name, type FROM pragma_table_info(?)", (_name(table),))
        return dict(found.fetchall())

    def _merge(self, parts: Dict[str, str]) -> Result:
        table, rows = _standard(parts["table"]), _standard(parts["rows"])
        names = [_name(each) for each in re.findall(r"\[(?:[^\]]|\]\])*\]", parts["names"])]
        keys = [int(each) for each in re.findall(r"source\.c(\d+)", parts["on"])]
        twice = "SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1".format(
            rows, ", ".join(f"c{key}" for key in keys)
        )
        if self._db.execute(twice).fetchone():
            raise Refused(8672, "The MERGE statement attempted to UPDATE the same row twice.")
        declared = self._declared(parts["table"])
        waiting = self._db.execute("SELECT * FROM " + rows).fetchall()
        given = [_fitted([declared[name] for name in names], row) for row in waiting]
        marked = [f"{_quoted(name)} = ?{at + 1}" for at, name in enumerate(names)]
        changed = [each for at, each in enumerate(marked) if at not in keys]
        known = " AND ".join(marked[key] for key in keys)
        line = "UPDATE {} SET {} WHERE {}".format(table, ", ".join(changed or marked), known)
        missing = [row for row in given if self._db.execute(line, row).rowcount == 0]
        line = "INSERT INTO {} ({}) VALUES ({})".format(
            table, ", ".join(map(_quoted, names)), ", ".join("?" * len(names))
        )
        self._db.executemany(line, missing)
        return Result(None, [])


def _unhexed(text: Optional[str]) -> Optional[bytes]:
    return None if text is None else bytes.fromhex(text)


def _fitted(declared: Sequence[str], row: Sequence[Any]) -> List[Any]:
    """A row whose texts have become what their columns are."""
    return [
        each if "VARBINARY" in kind.upper() else _value(kind, each)
        for kind, each in zip(declared, row)
    ]


def _name(text: str) -> str:
    """A name without its quotes and its schema."""
    last = re.findall(r"\[((?:[^\]]|\]\])*)\]|(#?\w+)", text)[-1]
    return (last[0] or last[1]).replace("]]", "]")


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _standard(text: str) -> str:
    """The same with the quotes of the standard."""

    def token(match: "re.Match[str]") -> str:
        literal, name, waiting = match.groups()
        if literal is not None:
            return f"'{literal}'"
        return _quoted(waiting or name.replace("]]", "]"))

    return TOKEN.sub(token, text)


def _unquoted(text: str) -> str:
    """The literal that a text begins with."""
    match = TOKEN.match(text)
    assert match is not None and match.group(1) is not None, text
    return match.group(1).replace("''", "'")


def _create(text: str) -> str:
    """With types of which SQLite keeps each value as it is."""
    text = re.sub(r"\bMAX\b", "2147483647", text)
    text = re.sub(r"\b(DECIMAL|NUMERIC)\(", r"TEXT_\1(", text)
    if "TABLE #" in text:
        text = text.replace("CREATE TABLE", "CREATE TEMP TABLE")
    return _standard(text)


def _value(declared: str, given: Any) -> Any:
    """What a text becomes in a column that is declared so."""
    base, numbers = tds_types.parse(declared)
    if given is None:
        return None
    try:
        return _MADE[base](given, numbers) if base in _MADE else str(given)
    except (ValueError, InvalidOperation) as error:
        text = f"Error converting data type nvarchar to {base}: {given}"
        raise Refused(8114, text) from error


def _decimal(given: Any, numbers: Tuple[int, ...]) -> str:
    scale = numbers[1] if len(numbers) > 1 else 0
    return "{:.{}f}".format(Decimal(str(given)), scale)


def _bit(given: Any, _: Tuple[int, ...]) -> int:
    return {"true": 1, "false": 0, "1": 1, "0": 0}[str(given).lower()]


def _moment(given: Any, numbers: Tuple[int, ...]) -> str:
    scale = numbers[0] if numbers else 7
    text = str(given).replace("T", " ")
    text = text[:-6] if text[-6:-5] == "+" else text
    day, _, clock = text.partition(" ")
    datetime.date.fromisoformat(day)
    return "{} {}".format(day, _clock(clock or "00:00:00", (scale,)))


def _clock(given: Any, numbers: Tuple[int, ...]) -> str:
    whole, _, fraction = str(given).partition(".")
    hours, minutes, seconds = (int(each) for each in whole.split(":"))
    datetime.time(hours, minutes, seconds)
    fraction = fraction[: numbers[0] if numbers else 7].rstrip("0")
    return whole + ("." + fraction if fraction else "")


# What SQLite says of an expression, and of a table that was made by its own words.
_TYPES = {"": "NVARCHAR(4000)", "INTEGER": "INT", "TEXT": "NVARCHAR(MAX)", "NUM": "BIGINT"}

_MADE: Dict[str, Callable[[Any, Tuple[int, ...]], Any]] = {
    "bit": _bit,
    "decimal": _decimal,
    "numeric": _decimal,
    "real": lambda given, _: float(given),
    "float": lambda given, _: float(given),
    "uniqueidentifier": lambda given, _: str(uuid.UUID(str(given))),
    "date": lambda given, _: datetime.date.fromisoformat(str(given)).isoformat(),
    "time": _clock,
    "datetime": _moment,
    "datetime2": _moment,
    "datetimeoffset": lambda given, numbers: _moment(given, numbers) + "+00:00",
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), lambda given, _: int(given)),
}
