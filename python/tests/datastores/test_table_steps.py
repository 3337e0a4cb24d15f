"""`DataTransferStep` with tables at its ends, run for real."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Callable

import databases
import pytest
import rows as tables
from test_transfer_steps import only, ran, read, submitted, transfer, workers

from azureml.core import Dataset, Datastore, Workspace
from azureml.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.data.sql_data_reference import SqlDataReference
from azureml.data.stored_procedure_parameter import (
    StoredProcedureParameter,
    StoredProcedureParameterType,
)
from azureml.exceptions import UserErrorException
from azureml.pipeline.steps import PythonScriptStep
from stepwell import datastores

LIMIT_S = 60.0


def registered(workspace: Workspace, place: tables.Place) -> Any:
    return Datastore.get(workspace, place.name)


def test_rows_go_through_a_file_into_a_table_of_another_database(
    workspace: Workspace,
    make_database: Callable[[str], tables.Place],
    make_store: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    here, there, store = make_database("postgres"), make_database("maria"), make_store("blob")
    here.fill()
    there.make()
    there.run("INSERT INTO kinds (id, name) VALUES (1, 'old')")
    fetch = transfer(
        SqlDataReference(registered(workspace, here), "rows", sql_query="SELECT * FROM kinds"),
        DataReference(store, "landed", "landed/kinds.parquet"),
        name="fetch",
        destination_reference_type="file",
    )
    target = datastores.table(registered(workspace, there), "target", "kinds", mode="upsert")
    run = ran(workspace, [transfer(fetch.get_output(), target, name="write")])
    assert there.rows() == tables.EXPECTED
    for name in ("fetch", "write"):
        step = only(run, name)
        metrics = step.get_metrics()
        assert metrics["rows"] == len(tables.ROWS)
        (file,) = read(store, "landed", tmp_path / name).values()
        assert metrics["bytes"] == len(file)
        log = step.get_stdout_log()
        assert "[stepwell] copied 5 rows" in log
        assert databases.PASSWORD not in log + str(step.get_details())


@pytest.mark.parametrize("kind", ["postgres", "maria"])
def test_a_stored_procedure_is_a_source(
    kind: str,
    workspace: Workspace,
    make_database: Callable[[str], tables.Place],
    make_store: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    database, store = make_database(kind), make_store("local")
    database.fill()
    if kind == "postgres":
        database.run(
            "DROP FUNCTION IF EXISTS chosen; CREATE FUNCTION chosen(lowest int, word text) "
            "RETURNS TABLE (id bigint, word text) LANGUAGE sql "
            "AS 'SELECT id, $2 FROM kinds WHERE id >= $1 AND id < 9 ORDER BY 1'"
        )
    else:
        database.run(
            "DROP PROCEDURE IF EXISTS chosen; CREATE PROCEDURE chosen(lowest INT, word TEXT) "
            "SELECT id, word FROM kinds WHERE id >= lowest AND id < 9 ORDER BY 1"
        )
    given = [
        StoredProcedureParameter("lowest", 3, StoredProcedureParameterType.Int),
        StoredProcedureParameter("word", "it's; DROP TABLE kinds"),
    ]
    source = SqlDataReference(
        registered(workspace, database),
        "chosen",
        sql_stored_procedure="chosen",
        sql_stored_procedure_params=given,
    )
    ran(workspace, [transfer(source, DataReference(store, "out", "out/chosen.csv"))])
    found = read(store, "out", tmp_path / "out")
    assert found == {"chosen.csv": b"id,word\n3,it's; DROP TABLE kinds\n4,it's; DROP TABLE kinds\n"}


@pytest.mark.parametrize("kind", tables.KINDS)
def test_a_step_is_reused_until_the_rows_change(
    kind: str,
    workspace: Workspace,
    make_database: Callable[[str], tables.Place],
    make_store: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    database, store = make_database(kind), make_store("s3")
    database.fill()

    def is_reused() -> bool:
        source = SqlDataReference(registered(workspace, database), "rows", sql_table="kinds")
        step = transfer(source, DataReference(store, "landed", "landed/kinds.csv"))
        properties = only(ran(workspace, [step])).get_properties()
        return bool(properties.get("azureml.isreused") == "true")

    assert not is_reused()
    assert is_reused()
    database.run("UPDATE kinds SET name = 'other' WHERE id = 1")
    assert not is_reused()
    assert b"other" in read(store, "landed", tmp_path / "out")["kinds.csv"]
    assert is_reused()


def test_a_step_that_writes_to_a_table_always_runs(
    workspace: Workspace,
    make_database: Callable[[str], tables.Place],
    make_store: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    database, store = make_database("sqlite"), make_store("local")
    database.run("CREATE TABLE log (line TEXT)")
    (tmp_path / "lines.csv").write_text("line\none\n")
    store.upload(str(tmp_path), "in", show_progress=False)
    for count in ("1", "2"):
        target = SqlDataReference(registered(workspace, database), "log", sql_table="log")
        ran(workspace, [transfer(DataReference(store, "in", "in/lines.csv"), target)])
        assert database.run("SELECT count(*) FROM log") == count
    made = datastores.table(registered(workspace, database), "made", "made", create=True)
    ran(workspace, [transfer(DataReference(store, "in", "in/lines.csv"), made)])
    assert database.run("SELECT line FROM made") == "one"


def test_what_cannot_be_copied_fails_with_the_reason(
    workspace: Workspace,
    make_database: Callable[[str], tables.Place],
    make_store: Callable[[str], Any],
) -> None:
    database, store = make_database("postgres"), make_store("local")
    datastore = registered(workspace, database)
    source = SqlDataReference(datastore, "rows", sql_table="nothing")
    run = submitted(workspace, [transfer(source, DataReference(store, "out", "out.csv"))])
    run.wait_for_completion(show_output=False, raise_on_error=False)
    assert run.get_status() == "Failed"
    assert "has no table `nothing`" in str(only(run).get_details()["error"])
    nothing = SqlDataReference(datastore, "rows")
    with pytest.raises(ValueError, match="`rows` says of no rows which they are"):
        submitted(workspace, [transfer(nothing, DataReference(store, "out", "out.csv"))])
    query = SqlDataReference(datastore, "rows", sql_query="SELECT 1")
    with pytest.raises(ValueError, match="must name a table"):
        submitted(workspace, [transfer(DataReference(store, "in", "in.csv"), query)])
    with pytest.raises(ValueError, match="not by 'merge'"):
        datastores.table(datastore, "rows", "kinds", mode="merge")


def test_a_copy_begins_anew_after_its_worker_was_killed(
    workspace: Workspace,
    make_database: Callable[[str], tables.Place],
    make_store: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    database, store = make_database("postgres"), make_store("s3")
    database.run("DROP TABLE IF EXISTS gate; CREATE TABLE gate AS SELECT 600.0::float AS s")
    # 20 MB come at once, the rest when the gate is open.
    database.run(
        "DROP FUNCTION IF EXISTS slow; CREATE FUNCTION slow() RETURNS TABLE (id int, word text) "
        "LANGUAGE sql AS 'SELECT i, repeat(''x'', 1000) || CASE WHEN i = 20001 THEN "
        "pg_sleep((SELECT s FROM gate))::text ELSE '''' END FROM generate_series(1, 20100) i'"
    )
    source = SqlDataReference(registered(workspace, database), "slow", sql_stored_procedure="slow")
    run = submitted(workspace, [transfer(source, DataReference(store, "out", "out/slow.csv"))])
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    deadline = time.monotonic() + LIMIT_S
    while database.run(sleeping).strip() != "1":
        assert time.monotonic() < deadline, "it has not begun"
        time.sleep(0.05)
    database.run("UPDATE gate SET s = 0")
    (worker,) = workers()
    os.kill(worker, signal.SIGKILL)
    database.run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    run.wait_for_completion(show_output=False, raise_on_error=False)
    assert run.get_status() == "Finished", only(run).get_stdout_log()
    assert only(run).get_metrics()["rows"] == 20_100
    found = read(store, "out", tmp_path / "out")
    assert list(found) == ["slow.csv"] and found["slow.csv"].count(b"\n") == 20_101


def test_a_query_is_a_dataset_here_and_in_a_step(
    workspace: Workspace, make_database: Callable[[str], tables.Place], project: Path
) -> None:
    database = make_database("postgres")
    database.fill()
    datastore = registered(workspace, database)
    query = "SELECT id, name, price, active, moment FROM kinds WHERE id < 5 ORDER BY id"
    made = Dataset.Tabular.from_sql_query((datastore, query), query_timeout=20)
    frame = made.to_pandas_dataframe()
    assert list(frame["id"]) == [1, 2, 3, 4] and list(frame["active"]) == [True, False] * 2
    assert str(frame["price"][0]) == "12.5000"
    assert frame["moment"][0].isoformat() == "2026-07-01T10:00:00+00:00"
    database.run("UPDATE kinds SET name = 'other' WHERE id = 1")
    assert made.to_pandas_dataframe()["name"][0] == "other", "it is read anew"
    known = made.register(workspace, "some-rows")
    (project / "src").mkdir()
    text = "from azureml.core import Run\nframe = Run.get_context().input_datasets['rows']"
    text += ".to_pandas_dataframe()\nprint('read', list(frame['name'])[0], len(frame))\n"
    (project / "src" / "main.py").write_text(text)
    step = PythonScriptStep(
        "main.py",
        name="copy",
        source_directory="src",
        inputs=[known.as_named_input("rows")],
    )
    assert "read other 4" in only(ran(workspace, [step])).get_stdout_log()
    with pytest.raises(UserErrorException, match="nothing"):
        Dataset.Tabular.from_sql_query(DataPath(datastore, "SELECT * FROM nothing"))
    with pytest.raises(UserErrorException, match="is no database"):
        store = Datastore.get(workspace, "workspaceblobstore")
        Dataset.Tabular.from_sql_query((store, "SELECT 1"))


def test_databases_are_registered_as_v1_has_them(workspace: Workspace) -> None:
    made = Datastore.register_azure_postgre_sql(
        workspace, "sales-pg", "sales", "orders", "anna", "hidden-1", "6432"
    )
    assert isinstance(made, AzurePostgreSqlDatastore)
    found = Datastore.get(workspace, "sales-pg")
    assert (found.server_name, found.database_name, found.port_number) == (
        "sales.postgres.database.azure.com",
        "orders",
        "6432",
    )
    assert (found.user_id, found.enforce_ssl, found.user_password) == ("anna", True, "")
    azure = Datastore.register_azure_sql_database(
        workspace,
        "sales-sql",
        "sales",
        "orders",
        tenant_id="tenant",
        client_id="client",
        client_secret="hidden-2",
    )
    assert (azure.server_name, azure.client_id) == ("sales.database.windows.net", "client")
    answer = str(workspace._client.get("/datastores"))
    assert "hidden-1" not in answer and "hidden-2" not in answer
    with pytest.raises(UserErrorException, match="is a database, and outputs are files"):
        azure.set_as_default()
