"""Rows of SQL Server and Azure SQL, on our own server of their protocol: see `tds`."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path
from typing import Any, Callable

import databases
import pytest
import rows as tables
import signin
import tds
from test_copy import copied
from test_tables import refused_plainly

from azureml.core import Datastore, Workspace
from stepwell import datastores

TOKEN = "a token of the directory"


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def filled(make_database: Callable[[str], Any]) -> Any:
    database = make_database("sqlserver")
    database.fill()
    return database


def registered(workspace: Workspace, server: tds.Server, **changes: Any) -> str:
    name = "sqlserver-" + uuid.uuid4().hex[:12]
    given = {"user_id": databases.USER, "user_password": databases.PASSWORD, **changes}
    place = (workspace, name, "127.0.0.1", databases.DATABASE)
    datastores.register_sql_server(*place, port_number=server.port, **given)
    return name


@pytest.mark.parametrize("encryption", ["off", "require"])
def test_freetds_reads_what_the_server_sends(
    encryption: str, filled: Any, sqlserver: tds.Server, tmp_path: Path
) -> None:
    configuration = tmp_path / "freetds.conf"
    lines = ["[tests]", "host = 127.0.0.1", f"port = {sqlserver.port}"]
    lines += ["tds version = 7.4", "client charset = UTF-8", "encryption = " + encryption]
    configuration.write_text("\n".join(lines) + "\n")
    said = subprocess.run(
        ["tsql", "-S", "tests", "-U", databases.USER, "-P", databases.PASSWORD, "-o", "fhq"],
        input="SELECT id, name, price, share, active, raw FROM kinds WHERE id < 5\ngo\nexit\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FREETDSCONF": str(configuration), "LC_ALL": "C.UTF-8"},
    ).stdout
    lines = [line.split("\t") for line in said.splitlines()]
    (first,) = (line for line in lines if line[0] == "1")
    (last,) = (line for line in lines if line[0] == "4")
    assert [first[at] for at in (0, 1, 2, 4, 5)] == ["1", "plain", "12.5000", "1", "00ff10"]
    assert [last[at] for at in (0, 1, 2, 4, 5)] == ["4", "NULL", "0.0000", "0", "4e554c4c"]
    assert float(first[3]) == 0.1


def test_a_connection_is_encrypted_and_checked_unless_it_is_not_to_be(
    filled: Any,
    workspace: Workspace,
    sqlserver: tds.Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    name, out = registered(workspace, sqlserver), str(tmp_path / "out.csv")
    text = refused_plainly(name + ":kinds", out)
    assert "cannot be opened" in text and "certificate" in text.lower()
    monkeypatch.setenv("SSL_CERT_FILE", str(sqlserver.certificate.parent / "authority.pem"))
    assert copied(name + ":kinds", out)["rows"] == len(tables.ROWS)
    login = sqlserver.logins[-1]
    assert (login.user, login.database) == (databases.USER, databases.DATABASE)
    assert copied(out, name + ":kinds", "--mode", "replace")["rows"] == len(tables.ROWS)
    assert filled.rows() == tables.EXPECTED


def test_a_gateway_may_name_another_server(
    filled: Any, sqlserver: tds.Server, tmp_path: Path
) -> None:
    before = len(sqlserver.logins)
    sqlserver.redirect = ("127.0.0.1", sqlserver.port)
    copied(filled.name + ":kinds", str(tmp_path / "out.csv"))
    assert len(sqlserver.logins) == before + 2


def test_a_wrong_password_is_refused_without_showing_it(
    workspace: Workspace, sqlserver: tds.Server, tmp_path: Path
) -> None:
    name = registered(workspace, sqlserver, user_password="wrong-but-secret", enforce_ssl=False)
    text = refused_plainly(name + ":kinds", str(tmp_path / "out.csv"))
    assert f"datastore `{name}` cannot be opened: Login failed for user" in text
    assert "wrong-but-secret" not in text


def test_a_service_principal_signs_in_by_a_token_of_the_directory(
    filled: Any,
    workspace: Workspace,
    sqlserver: tds.Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(sqlserver.certificate.parent / "authority.pem"))
    directory = signin.directory("https://database.windows.net/.default", TOKEN)
    sqlserver.tokens.append(TOKEN)
    out = str(tmp_path / "out.csv")

    def principal(secret: str) -> str:
        name = "principal-" + uuid.uuid4().hex[:12]
        place: Any = {"kind": "azure_sql", "server": "127.0.0.1", "port": sqlserver.port}
        place.update(database=databases.DATABASE, tenant_id=signin.TENANT, client_id=signin.CLIENT)
        place.update(authority_url=directory.url, credentials={"client_secret": secret})
        workspace._client.put("/datastores/" + name, {**place, "skip_validation": True})
        return name

    assert copied(principal(signin.CLIENT_SECRET) + ":kinds", out)["rows"] == len(tables.ROWS)
    assert sqlserver.logins[-1].token == TOKEN
    text = refused_plainly(principal("wrong-but-secret") + ":kinds", out)
    assert "the service principal is refused" in text and "AADSTS7000215" in text
    assert "wrong-but-secret" not in text
    directory.stop()


def test_a_connection_that_is_cut_leaves_neither_a_file_nor_rows(
    filled: Any, sqlserver: tds.Server, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    there = make_database("sqlite")
    there.fill()
    sqlserver.cut_after = len(tables.KINDS) + 20
    many = "SELECT a.id, b.name FROM kinds a, kinds b, kinds c"
    try:
        for target in (there.name + ":kinds", str(tmp_path / "out.parquet")):
            text = refused_plainly(filled.name + ":", target, "--query", many)
            assert f"datastore `{filled.name}`" in text
    finally:
        sqlserver.cut_after = None
    assert there.rows() == tables.EXPECTED
    assert not list(tmp_path.glob("*out*"))


def test_a_query_changes_nothing(filled: Any, sqlserver: tds.Server, tmp_path: Path) -> None:
    copied(filled.name + ":", str(tmp_path / "out.csv"), "--query", "SELECT id FROM kinds")
    # Rows are read in a transaction that is undone.
    assert filled.rows() == tables.EXPECTED
    assert sqlserver.transactions[-2:] == ["begin", "rollback"]


def test_long_texts_and_many_rows_arrive(
    filled: Any, make_database: Callable[[str], Any], tmp_path: Path
) -> None:
    source = make_database("sqlite")
    source.run("CREATE TABLE long (id INTEGER, word TEXT)")
    source.run("INSERT INTO long VALUES (0, hex(zeroblob(200000)))")
    rest = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
    source.run(f"INSERT INTO long {rest} SELECT i, 'word ' || i FROM n")
    filled.run("DROP TABLE IF EXISTS long")
    assert copied(source.name + ":long", filled.name + ":long", "--create")["rows"] == 30_001
    copied(filled.name + ":long", str(tmp_path / "back.csv"))
    source.run("DELETE FROM long")
    assert copied(str(tmp_path / "back.csv"), source.name + ":long")["rows"] == 30_001
    found = source.run("SELECT count(*), sum(id), max(length(word)), min(word) FROM long")
    assert found.split("\t")[:3] == ["30001", "450015000", "400000"]


def test_azure_sql_is_registered_as_v1_has_it(workspace: Workspace) -> None:
    name = "azure-" + uuid.uuid4().hex[:12]
    Datastore.register_azure_sql_database(
        workspace,
        name,
        "sales",
        "orders",
        tenant_id="tenant",
        client_id="client",
        client_secret="hidden",
        authority_url="https://login.example.org",
    )
    record = workspace._client.get("/datastores/" + name)
    assert record["server"] == "sales.database.windows.net"
    assert record["authority_url"] == "https://login.example.org"
    assert "hidden" not in str(record)
