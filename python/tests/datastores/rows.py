"""A table with a column of each kind, in each database of these tests: made, filled and read.

`rows` gives the same for the same values, whichever database they are in.
"""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import databases
import tds
import tds_sql

from azureml.core import Datastore, Workspace
from stepwell import datastores

KINDS = ("postgres", "maria", "sqlite", "sqlserver")

COLUMNS = """id {integer} PRIMARY KEY, name {text}, price {decimal}, share {double},
    active {boolean}, day {date}, clock {time}, at {timestamp}, moment {instant}, raw {bytes},
    doc {json}"""

Row = Tuple[Any, ...]

ROWS: List[Row] = [
    (1, "plain", "12.5000", 0.1, 1, "2026-02-28", "23:59:59.123456", "2026-02-28 23:59:59.123456")
    + ("2026-07-01 10:00:00", b"\x00\xff\x10", '{"a": [1, null]}'),
    (2, "", "-0.0001", 1e300, 0, "1999-12-31", "00:00:00", "1999-12-31 00:00:00")
    + ("1999-12-31 23:00:00.5", b"", "{}"),
    (3, 'a "quoted",\nline\t\\ \u00fc\u6587\U0001f600 \\N', "9999999999999999.9999", -2.5, 1)
    + ("2024-02-29", "12:30:00", "2026-07-01 12:00:00", "2001-01-01 00:00:00", b"\\x", '"\u00fc"'),
    (4, "NULL", "0.0000", 0.0, 0, "1970-01-01", "00:00:01", "1970-01-01 00:00:00")
    + ("1970-01-01 00:00:01", b"NULL", "[]"),
    (9223372036854775807, *[None] * 10),
]

SELECT = "id, {hex_name}, price, share, {active}, day, clock, at, moment, {hex_raw}, {hex_doc}"


def _plain(row: Row) -> Row:
    """A row of `ROWS` as `rows` gives it."""
    name, raw, doc = row[1], row[9], row[10]
    hexadecimal = (None if each is None else each.hex() for each in (_utf8(name), raw, _utf8(doc)))
    hex_name, hex_raw, hex_doc = hexadecimal
    return (row[0], hex_name, *row[2:9], hex_raw, hex_doc)


def _utf8(text: Optional[str]) -> Optional[bytes]:
    return None if text is None else text.encode()


def _read(fields: List[Optional[str]]) -> Row:
    """A row out of its texts."""
    row: List[Any] = list(fields)
    for place, make in ((0, int), (3, float), (4, int)):
        row[place] = None if row[place] is None else make(row[place])
    for place in (6, 7, 8):  # some write all six digits of a fraction
        text = row[place]
        if text is not None and "." in text:
            row[place] = text.rstrip("0").rstrip(".")
    return tuple(row)


EXPECTED = [_plain(row) for row in ROWS]


class Place:
    """A database under test, with a table `kinds`."""

    def __init__(self, kind: str, workspace: Workspace) -> None:
        self.name = f"{kind}-{uuid.uuid4().hex[:12]}"

    def run(self, sql: str) -> str:
        """What a statement gives, as text."""
        raise NotImplementedError

    def make(self) -> None:
        """An empty table."""
        raise NotImplementedError

    def fill(self) -> None:
        """The table with `ROWS`."""
        self.make()
        for row in ROWS:
            self.run("INSERT INTO kinds VALUES ({})".format(", ".join(map(self._literal, row))))

    def _literal(self, value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, bytes):
            return self._bytes(value)
        return "'{}'".format(str(value).replace("'", "''"))

    def _bytes(self, value: bytes) -> str:
        return f"x'{value.hex()}'"

    def rows(self) -> List[Row]:
        """The rows by their id, the same for the same values in each database."""
        raise NotImplementedError


class PostgresPlace(Place):
    """PostgreSQL."""

    def __init__(self, server: databases.Postgres, workspace: Workspace) -> None:
        super().__init__("postgres", workspace)
        self.server = server
        Datastore.register_azure_postgre_sql(
            workspace,
            self.name,
            "127.0.0.1",
            databases.DATABASE,
            databases.USER,
            databases.PASSWORD,
            str(server.port),
            enforce_ssl=False,
        )

    def run(self, sql: str) -> str:
        return self.server.run(sql)

    def make(self) -> None:
        types = {"integer": "BIGINT", "text": "TEXT", "double": "DOUBLE PRECISION", "time": "TIME"}
        types.update(boolean="BOOLEAN", timestamp="TIMESTAMP", instant="TIMESTAMPTZ", date="DATE")
        types.update(bytes="BYTEA", json="JSON", decimal="NUMERIC(20, 4)")
        self.run("DROP TABLE IF EXISTS kinds")
        self.run(f"CREATE TABLE kinds ({COLUMNS.format(**types)})")

    def _bytes(self, value: bytes) -> str:
        return f"'\\x{value.hex()}'"

    def rows(self) -> List[Row]:
        select = SELECT.format(
            hex_name="encode(convert_to(name, 'UTF8'), 'hex')",
            active="active::int",
            hex_raw="encode(raw, 'hex')",
            hex_doc="encode(convert_to(doc::text, 'UTF8'), 'hex')",
        ).replace("moment", "moment AT TIME ZONE 'UTC'")
        out = self.run(f"COPY (SELECT {select} FROM kinds ORDER BY id) TO STDOUT")
        lines = (line.split("\t") for line in out.splitlines())
        return [_read([None if each == "\\N" else each for each in line]) for line in lines]


class MariaPlace(Place):
    """MariaDB."""

    def __init__(self, server: databases.Maria, workspace: Workspace) -> None:
        super().__init__("maria", workspace)
        self.server = server
        datastores.register_mariadb(
            workspace,
            self.name,
            "127.0.0.1",
            databases.DATABASE,
            databases.USER,
            databases.PASSWORD,
            server.port,
            enforce_ssl=False,
        )

    def run(self, sql: str) -> str:
        return self.server.run(sql)

    def make(self) -> None:
        types = {"integer": "BIGINT", "text": "TEXT", "double": "DOUBLE", "time": "TIME(6)"}
        types.update(boolean="BOOLEAN", timestamp="DATETIME(6)", date="DATE", bytes="BLOB")
        types.update(instant="TIMESTAMP(6) NULL", json="JSON", decimal="DECIMAL(20, 4)")
        self.run("DROP TABLE IF EXISTS kinds")
        self.run(f"CREATE TABLE kinds ({COLUMNS.format(**types)})")

    def _literal(self, value: Any) -> str:
        return super()._literal(value).replace("\\", "\\\\")

    def rows(self) -> List[Row]:
        select = SELECT.format(
            hex_name="lower(hex(name))",
            active="active",
            hex_raw="lower(hex(raw))",
            hex_doc="lower(hex(doc))",
        )
        out = self.run(f"SELECT {select} FROM kinds ORDER BY id")
        lines = (line.split("\t") for line in out.splitlines())
        return [_read([None if each == "NULL" else each for each in line]) for line in lines]


class SqlitePlace(Place):
    """SQLite, whose columns are declared as what they hold."""

    def __init__(self, file: Path, workspace: Workspace) -> None:
        super().__init__("sqlite", workspace)
        self.file = str(file)
        datastores.register_sqlite(workspace, self.name, self.file)

    def _ask(self, sql: str, values: Row = ()) -> List[Row]:
        connection = sqlite3.connect(self.file)
        with connection:
            found = connection.execute(sql, values).fetchall()
        connection.close()
        return found

    def run(self, sql: str) -> str:
        return "\n".join("\t".join(map(str, row)) for row in self._ask(sql))

    def make(self) -> None:
        types: Dict[str, str] = {"integer": "INTEGER", "text": "TEXT", "double": "REAL"}
        # A text keeps a decimal exactly; declared so, it is known to be one.
        types.update(boolean="BOOLEAN", decimal="DECIMAL_TEXT(20, 4)", bytes="BLOB", json="JSON")
        types.update(date="DATE", time="TIME", timestamp="TIMESTAMP", instant="TIMESTAMPTZ")
        self._ask("DROP TABLE IF EXISTS kinds")
        self._ask(f"CREATE TABLE kinds ({COLUMNS.format(**types)})")

    def fill(self) -> None:
        self.make()
        for row in ROWS:
            self._ask("INSERT INTO kinds VALUES ({})".format(", ".join("?" * len(row))), row)

    def rows(self) -> List[Row]:
        select = SELECT.format(
            hex_name="lower(hex(name))",
            active="active",
            hex_raw="lower(hex(raw))",
            hex_doc="lower(hex(doc))",
        ).replace("moment", "replace(moment, '+00:00', '')")
        # A NULL has no bytes, and its hexadecimal text is empty.
        for column in ("name", "raw", "doc"):
            text = f"lower(hex({column}))"
            select = select.replace(text, f"iif({column} IS NULL, NULL, {text})")
        found = self._ask(f"SELECT {select} FROM kinds ORDER BY id")
        return [_read([None if each is None else str(each) for each in row]) for row in found]


class SqlServerPlace(SqlitePlace):
    """The server of `tds`, whose tables are in a SQLite file."""

    def __init__(self, server: tds.Server, workspace: Workspace) -> None:
        Place.__init__(self, "sqlserver", workspace)
        self.server = server
        self.file = server.file
        datastores.register_sql_server(
            workspace,
            self.name,
            "127.0.0.1",
            databases.DATABASE,
            databases.USER,
            databases.PASSWORD,
            server.port,
            enforce_ssl=False,
        )

    def make(self) -> None:
        types: Dict[str, str] = {"integer": "BIGINT", "text": "NVARCHAR(MAX)", "date": "DATE"}
        types.update(decimal="DECIMAL(20, 4)", double="FLOAT(53)", boolean="BIT", time="TIME(6)")
        types.update(timestamp="DATETIME2(6)", instant="DATETIMEOFFSET(6)", json="NVARCHAR(MAX)")
        types.update(bytes="VARBINARY(MAX)")
        self._ask("DROP TABLE IF EXISTS kinds")
        create = f"CREATE TABLE [kinds] ({COLUMNS.format(**types)})"
        tds_sql.Database(self.file).rows(create)

    def fill(self) -> None:
        super().fill()
        self._ask("UPDATE kinds SET moment = moment || '+00:00'")
