"""Rows between databases and files, on real servers."""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path
from typing import Any, Callable, List

import databases
import peers
import pytest
import rows as tables
from test_copy import copied, refused, start
from test_full_disk import SmallDisk

from azureml.core import Datastore, Workspace

LIMIT_S = 60.0
SECRETS = (databases.PASSWORD, peers.KEY, peers.S3_KEY)


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def refused_plainly(*arguments: str) -> str:
    text = refused(*arguments)
    assert not any(secret in text for secret in SECRETS)
    return text


# Each database with each store, but the server that is ours with one.
ENDS = [(kind, store) for kind in tables.KINDS[:3] for store in peers.KINDS]
ENDS.append(("sqlserver", "local"))


@pytest.mark.parametrize(("kind", "store"), ENDS)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_comes_back_from_a_file_as_it_was(
    kind: str,
    ending: str,
    store: str,
    make_database: Callable[[str], Any],
    make_store: Callable[[str], Any],
) -> None:
    database, file = make_database(kind), f"{make_store(store).name}:rows/kinds.{ending}"
    database.fill()
    assert database.rows() == tables.EXPECTED
    assert copied(database.name + ":kinds", file)["rows"] == len(tables.ROWS)
    database.make()
    assert copied(file, database.name + ":kinds")["rows"] == len(tables.ROWS)
    assert database.rows() == tables.EXPECTED


# Of one server another table is the source, as it has one of the name; ours makes none of a query.
PAIRS = [(one, other) for one in tables.KINDS for other in tables.KINDS]
PAIRS.remove(("sqlserver", "sqlserver"))


@pytest.mark.parametrize(("source", "destination"), PAIRS)
def test_rows_go_from_every_database_to_every_other(
    source: str, destination: str, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    here, there = make_database(source), make_database(destination)
    if source == destination != "sqlite":
        here.fill()
        here.run("DROP TABLE IF EXISTS source; CREATE TABLE source AS SELECT * FROM kinds;")
        copied(here.name + ":source", there.name + ":kinds", "--mode", "replace")
        assert there.rows() == tables.EXPECTED
        return
    here.fill()
    there.make()
    report = copied(here.name + ":kinds", there.name + ":kinds")
    assert report["rows"] == len(tables.ROWS)
    assert there.rows() == tables.EXPECTED


def test_a_parquet_file_has_the_types_of_the_table(
    make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    import pyarrow.parquet

    database = make_database("postgres")
    database.fill()
    file = str(tmp_path / "kinds.parquet")
    copied(database.name + ":kinds", file)
    table = pyarrow.parquet.read_table(file)
    types = {field.name: str(field.type) for field in table.schema}
    doc = types.pop("doc")
    assert doc in ("string", "binary", "extension<arrow.json>")
    assert types == {
        "id": "int64",
        "name": "string",
        "price": "decimal128(20, 4)",
        "share": "double",
        "active": "bool",
        "day": "date32[day]",
        "clock": "time64[us]",
        "at": "timestamp[us]",
        "moment": "timestamp[us, tz=UTC]",
        "raw": "binary",
    }
    first = table.to_pylist()[0]
    assert str(first["price"]) == "12.5000"
    assert first["moment"].isoformat() == "2026-07-01T10:00:00+00:00"


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "lz4", "none"])
def test_a_parquet_file_of_others_becomes_rows(
    codec: str, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    import pyarrow
    import pyarrow.parquet

    database = make_database("sqlite")
    database.run("CREATE TABLE wide (id INTEGER, word TEXT, at TIMESTAMP)")
    count = 20_000
    words = [None if each % 3 == 0 else f"word {each % 5}" for each in range(count)]
    moments = pyarrow.array([each * 1_000_000 for each in range(count)], pyarrow.timestamp("ms"))
    table = pyarrow.table({"id": list(range(count)), "word": words, "at": moments})
    file = str(tmp_path / "wide.parquet")
    pyarrow.parquet.write_table(table, file, compression=codec, row_group_size=7_000)
    assert copied(file, database.name + ":wide")["rows"] == count
    found = database.run("SELECT count(*), sum(id), count(word), max(at) FROM wide").split("\t")
    assert found == [str(count), str(sum(range(count))), str(count - 6_667), "1970-08-20 11:16:40"]


@pytest.mark.parametrize("kind", tables.KINDS)
def test_rows_are_appended_replaced_or_updated(
    kind: str, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database(kind)
    database.make()
    (tmp_path / "rows.csv").write_text('name,id\none,1\n"",2\n')
    (tmp_path / "more.csv").write_text("id,name\n2,two\n3,three\n")
    target = database.name + ":kinds"

    def found() -> List[str]:
        return [bytes.fromhex(row[1]).decode() for row in database.rows()]

    copied(str(tmp_path / "rows.csv"), target)
    assert found() == ["one", ""]
    text = refused_plainly(str(tmp_path / "more.csv"), target)
    assert f"table `kinds` of datastore `{database.name}`" in text
    assert found() == ["one", ""], "a key that is there already is an error, and nothing is added"
    copied(str(tmp_path / "more.csv"), target, "--mode", "upsert")
    assert found() == ["one", "two", "three"]
    text = refused_plainly(str(tmp_path / "more.csv"), target, "--mode", "upsert", "--key", "name")
    assert "cannot be updated by name: it has no unique index on them" in text
    copied(str(tmp_path / "more.csv"), target, "--mode", "replace")
    assert found() == ["two", "three"]


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
@pytest.mark.parametrize("kind", tables.KINDS)
def test_a_copy_that_fails_halfway_changes_nothing(
    kind: str, mode: str, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database(kind)
    database.fill()
    rows = "".join(f"{10 + number},x\n" for number in range(30_000))
    (tmp_path / "broken.csv").write_text("id,name\n" + rows + "5\n")
    text = refused_plainly(str(tmp_path / "broken.csv"), database.name + ":kinds", "--mode", mode)
    assert "line 30002 of `{}` is no row".format(tmp_path / "broken.csv") in text
    assert database.rows() == tables.EXPECTED
    (tmp_path / "wrong.csv").write_text("id,price\n" + rows.replace(",x", ",1") + "7,dear\n")
    if kind != "sqlite":  # which takes any text
        text = refused_plainly(
            str(tmp_path / "wrong.csv"), database.name + ":kinds", "--mode", mode
        )
        # SQL Server names the value and not the column.
        assert ("dear" if kind == "sqlserver" else "price") in text and database.name in text
        assert database.rows() == tables.EXPECTED


@pytest.mark.parametrize("destination", tables.KINDS)
@pytest.mark.parametrize("source", tables.KINDS)
def test_a_table_that_is_not_there_is_made_with_the_types_of_the_source(
    source: str, destination: str, make_database: Callable[[str], Any]
) -> None:
    here, there = make_database(source), make_database(destination)
    here.fill()
    there.run("DROP TABLE IF EXISTS made")
    text = refused_plainly(here.name + ":kinds", there.name + ":made")
    assert "has no table `made`" in text and "--create" in text
    again = (here.name + ":kinds", there.name + ":made", "--create")
    again += ("--mode", "upsert", "--key", "id")
    for _ in range(2):
        assert copied(*again)["rows"] == len(tables.ROWS)
    # What was made has types by which the rows come back as they were.
    there.make()
    copied(there.name + ":made", there.name + ":kinds")
    assert there.rows() == tables.EXPECTED
    there.run("DROP TABLE made")


@pytest.mark.parametrize("kind", tables.KINDS)
def test_a_table_is_made_with_rows_or_not_at_all(
    kind: str, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database(kind)
    database.run("DROP TABLE IF EXISTS made")
    target = database.name + ":made"
    file = tmp_path / "rows.csv"
    file.write_text("id,name\n1,one\n2,two,three\n")
    assert "line 3 of" in refused_plainly(str(file), target, "--create")
    assert "has no table `made`" in refused_plainly(target, str(tmp_path / "back.csv"))
    file.write_text("id,name\n1,one\n2,\n")
    text = refused_plainly(str(file), target, "--create", "--mode", "upsert")
    assert "cannot be updated: it has no primary key" in text
    assert copied(str(file), target, "--create")["rows"] == 2
    copied(target, str(tmp_path / "back.csv"))
    assert (tmp_path / "back.csv").read_text() == file.read_text()
    database.run("DROP TABLE made")


@pytest.mark.parametrize("kind", tables.KINDS)
def test_what_cannot_be_copied_is_refused_before_the_first_row(
    kind: str, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database(kind)
    database.make()
    name, file = database.name, str(tmp_path / "rows.csv")
    Path(file).write_text("id,nmae\n1,x\n")
    assert "has no column `nmae`, which the source has" in refused_plainly(file, name + ":kinds")
    assert "has no table `nothing`" in refused_plainly(file, name + ":nothing")
    assert "has no table `nothing`" in refused_plainly(name + ":nothing", str(tmp_path / "x.csv"))
    text = refused_plainly(name + ":kinds", str(tmp_path / "rows.json"))
    assert "is neither CSV nor Parquet" in text
    assert "would be copied onto itself" in refused_plainly(name + ":kinds", name + ":kinds")
    text = refused_plainly(name + ":", str(tmp_path / "x.csv"))
    assert "a database is given without a table" in text
    assert "is not there" in refused_plainly(str(tmp_path / "nothing.csv"), name + ":kinds")
    Path(file).write_text("")
    assert "has no header" in refused_plainly(file, name + ":kinds")
    twice = "SELECT id, id FROM kinds"
    text = refused_plainly(name + ":", str(tmp_path / "x.csv"), "--query", twice)
    assert "two columns `id`" in text
    change = "DELETE FROM kinds"
    refused_plainly(name + ":", str(tmp_path / "x.csv"), "--query", change)
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) in (
        ["rows.csv"],
        sorted(["rows.csv", *(each.name for each in tmp_path.glob("*.db*"))]),
    )


@pytest.mark.parametrize("kind", tables.KINDS)
def test_a_query_is_a_source_and_names_may_be_any(
    kind: str, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database(kind)
    database.fill()
    file = str(tmp_path / "out.csv")
    query = "SELECT id, name FROM kinds WHERE id < 3 ORDER BY id;"
    copied(database.name + ":", file, "--query", query)
    assert Path(file).read_text() == 'id,name\n1,plain\n2,""\n'
    mark = "`" if kind == "maria" else '"'
    name = f"select \u00fc'; {mark * 2} --"
    column = f"a {mark * 2},\u6587"
    quoted = [mark + each + mark for each in (name, column)]
    database.run(f"DROP TABLE IF EXISTS {quoted[0]}")
    database.run("CREATE TABLE {} ({} INTEGER)".format(*quoted))
    database.run(f"INSERT INTO {quoted[0]} VALUES (7)")
    table = f"{database.name}:{name.replace(mark * 2, mark)}"
    copied(table, file)
    assert "7" in Path(file).read_text().splitlines()
    assert copied(file, table)["rows"] == 1
    assert database.run(f"SELECT count(*) FROM {quoted[0]}").strip() == "2"
    database.run(f"DROP TABLE {quoted[0]}")


def test_the_files_of_a_folder_become_one_table(
    make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database("postgres")
    database.make()
    folder = tmp_path / "parts"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text("id,name\n1,one\n")
    (folder / "sub" / "b.csv").write_text("id,name\n2,two\n")
    (folder / "_SUCCESS").write_text("")
    assert copied(str(folder), database.name + ":kinds")["rows"] == 2
    (folder / "c.csv").write_text("name,id\nthree,3\n")
    text = refused_plainly(str(folder), database.name + ":kinds")
    assert "has other columns than the files before it" in text
    out = tmp_path / "out"
    out.mkdir()
    copied(database.name + ":kinds", str(out), "--format", "parquet")
    assert [each.name for each in out.iterdir()] == ["kinds.parquet"]


def test_a_wrong_password_is_refused_without_showing_it(
    workspace: Workspace, postgres: databases.Postgres, maria: databases.Maria, tmp_path: Path
) -> None:
    for register, port in (
        (Datastore.register_azure_postgre_sql, postgres.port),
        (Datastore.register_azure_my_sql, maria.port),
    ):
        name = "wrong-" + uuid.uuid4().hex[:12]
        register(
            workspace,
            name,
            "127.0.0.1",
            databases.DATABASE,
            databases.USER,
            "wrong-but-secret",
            str(port),
            enforce_ssl=False,
        )
        text = refused_plainly(name + ":kinds", str(tmp_path / "out.csv"))
        assert f"datastore `{name}` cannot be opened" in text
        assert "wrong-but-secret" not in text
        assert not (tmp_path / "out.csv").exists()


def test_an_encrypted_connection_is_checked(
    workspace: Workspace,
    postgres: databases.Postgres,
    make_database: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    make_database("postgres").fill()
    name = "encrypted-" + uuid.uuid4().hex[:12]
    place = (workspace, name, "127.0.0.1", databases.DATABASE, databases.USER)
    Datastore.register_azure_postgre_sql(*place, databases.PASSWORD, str(postgres.port))
    text = refused_plainly(name + ":kinds", str(tmp_path / "out.csv"))
    assert "cannot be opened" in text and "certificate" in text.lower()
    monkeypatch.setenv("SSL_CERT_FILE", str(postgres.authority))
    assert copied(name + ":kinds", str(tmp_path / "out.csv"))["rows"] == len(tables.ROWS)


# Rows that stop in the middle: 20 MB come, then nothing for as long as anybody waits.
STALLING = """SELECT i + 9 AS id, repeat('x', 1000) AS name,
    CASE WHEN i > 20000 THEN pg_sleep(600)::text END AS doc FROM generate_series(1, 30000) i"""


ASLEEP = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def connected(port: int) -> bool:
    """Whether a program of ours is connected to a port."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"stepwell-transfer" not in (process / "cmdline").read_bytes():
                continue
            lines = (process / "net" / "tcp").read_text().splitlines()[1:]
        except OSError:
            continue
        remote = (line.split()[2] for line in lines if line.split()[3] == "01")
        if any(each.endswith(f":{port:04X}") for each in remote):
            return True
    return False


def begun(process: Any, is_begun: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not is_begun():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it has not begun"
        time.sleep(0.02)


def test_a_copy_that_is_killed_leaves_no_file_and_is_made_again(
    make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database("postgres")
    out = tmp_path / "out"
    process = start(database.name + ":", str(out / "rows.csv"), "--query", STALLING)
    begun(process, lambda: any(out.glob(".stepwell-incoming-*")))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=LIMIT_S)
    assert not (out / "rows.csv").exists()
    # The program that had the connection ends with the command that started it.
    deadline = time.monotonic() + LIMIT_S
    while connected(database.server.port):
        assert time.monotonic() < deadline, "the connection stays"
        time.sleep(0.05)
    database.run("SELECT pg_cancel_backend(pid) " + ASLEEP)
    query = "SELECT i AS id FROM generate_series(1, 1000) i"
    assert copied(database.name + ":", str(out / "rows.csv"), "--query", query)["rows"] == 1000
    assert [each.name for each in out.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize("kind", tables.KINDS)
def test_rows_of_a_copy_that_is_killed_are_neither_lost_nor_doubled(
    kind: str, make_database: Callable[[str], Any]
) -> None:
    source, there = make_database("postgres"), make_database(kind)
    there.fill()
    process = start(source.name + ":", there.name + ":kinds", "--query", STALLING)
    begun(process, lambda: source.run("SELECT count(*) " + ASLEEP).strip() == "1")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=LIMIT_S)
    source.run("SELECT pg_cancel_backend(pid) " + ASLEEP)
    # Its lock on the table is gone when its connection is.
    assert there.rows() == tables.EXPECTED
    query = "SELECT i + 9 AS id, 'x' AS name FROM generate_series(1, 30000) i"
    for _ in range(2):
        again = ("--query", query, "--mode", "upsert")
        assert copied(source.name + ":", there.name + ":kinds", *again)["rows"] == 30_000
    assert there.run("SELECT count(*) FROM kinds").strip() == str(30_000 + len(tables.ROWS))


def test_a_connection_that_is_cut_leaves_neither_a_file_nor_rows(
    make_database: Callable[[str], Any], make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    source, there = make_database("postgres"), make_database("maria")
    there.fill()
    waiting = "SELECT count(*) " + ASLEEP
    store = make_store("s3")
    for target in (there.name + ":kinds", store.name + ":rows.parquet"):
        process = start(source.name + ":", target, "--query", STALLING)
        begun(process, lambda: source.run(waiting).strip() == "1")
        source.run("SELECT pg_terminate_backend(pid) " + ASLEEP)
        out, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode not in (0, None) and out == ""
        assert f"datastore `{source.name}`" in err
    assert there.rows() == tables.EXPECTED
    assert "is not there" in refused(store.name + ":rows.parquet", str(tmp_path / "x"))


def test_a_killed_writer_leaves_the_table_as_it_was(
    make_database: Callable[[str], Any],
) -> None:
    source, there = make_database("postgres"), make_database("maria")
    there.fill()
    process = start(
        source.name + ":", there.name + ":kinds", "--query", STALLING, "--mode", "replace"
    )
    begun(process, lambda: source.run("SELECT count(*) " + ASLEEP).strip() == "1")
    changed = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0"
    begun(process, lambda: there.run(changed).strip() == "1")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=LIMIT_S)
    source.run("SELECT pg_cancel_backend(pid) " + ASLEEP)
    deadline = time.monotonic() + LIMIT_S
    while there.run(changed).strip() != "0":
        assert time.monotonic() < deadline, "the transaction stays"
        time.sleep(0.1)
    assert there.rows() == tables.EXPECTED


def test_a_full_disk_is_said_and_no_file_is_there(
    make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database("postgres")
    query = "SELECT repeat(md5(i::text), 30) AS name FROM generate_series(1, 20000) i"
    disk = SmallDisk(tmp_path / "small")
    try:
        disk.leave(4 << 20)
        for ending in ("csv", "parquet"):
            target = str(disk.folder / ("rows." + ending))
            text = refused_plainly(database.name + ":", target, "--query", query)
            assert "No space left on device" in text and "free some space" in text
            assert not os.path.exists(target)
        disk.free()
        assert copied(database.name + ":", target, "--query", query)["rows"] == 20_000
    finally:
        disk.unmount()


def test_memory_does_not_grow_with_the_rows(
    make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    database = make_database("postgres")
    query = "SELECT repeat(md5(i::text), 40) AS name FROM generate_series(1, {}) i"
    sizes = []
    for count in (10_000, 160_000):  # 13 MB and 205 MB
        target = str(tmp_path / "rows.parquet")
        process = start(database.name + ":", target, "--query", query.format(count))
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0
        sizes.append(used.ru_maxrss)
    # What waits and a row group; in kilobytes.
    assert sizes[1] - sizes[0] < 150_000, sizes
