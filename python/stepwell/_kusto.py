"""Runs a KQL query, in DuckDB over the tables of a folder, or in a Kusto cluster.

`python -m stepwell._kusto --output FILE --database FOLDER`, or `--database NAME --cluster URL`. The
query is the one file of the working directory. A table of a folder is a file `NAME.csv`,
`.parquet`, `.jsonl` or `.json`, or a folder `NAME` of such files. The result is CSV with a header.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from typing import Any, Dict, Sequence

READERS = {
    ".csv": "read_csv_auto",
    ".json": "read_json_auto",
    ".jsonl": "read_json_auto",
    ".ndjson": "read_json_auto",
    ".parquet": "read_parquet",
}


def main(words: Sequence[str]) -> int:
    """Run the query; the exit code of the step."""
    parser = argparse.ArgumentParser(prog="stepwell._kusto", allow_abbrev=False)
    parser.add_argument("--database", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--parameters", default="{}")
    parser.add_argument("--cluster")
    parser.add_argument("--token-variable", default="KUSTO_TOKEN")
    given = parser.parse_args(words)
    (name,) = [each for each in os.listdir(".") if os.path.isfile(each)]
    with open(name, encoding="utf-8") as file:
        query = file.read()
    os.makedirs(os.path.dirname(given.output) or ".", exist_ok=True)
    run = _in_cluster if given.cluster else _in_duckdb
    return run(given, query, json.loads(given.parameters))


def _in_cluster(given: argparse.Namespace, query: str, parameters: Dict[str, Any]) -> int:
    from stepwell import _kusto_cluster

    token = os.environ.get(given.token_variable)
    if not token:
        return _fail(
            f"the environment variable {given.token_variable} is not set",
            f"set it, where the server is started, to an access token for {given.cluster}",
        )
    try:
        table = _kusto_cluster.query(given.cluster, given.database, query, parameters, token)
    except _kusto_cluster.Refused as refused:
        return _fail(str(refused), f"the token is the environment variable {given.token_variable}")
    with open(given.output, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.columns)
        for row in table.rows:
            writer.writerow(
                [json.dumps(each) if isinstance(each, (dict, list)) else each for each in row]
            )
    print(f"The result is in {given.output}")
    return 0


def _in_duckdb(given: argparse.Namespace, query: str, parameters: Dict[str, Any]) -> int:
    import duckdb_kql

    connection = duckdb_kql.connect()
    tables = _tables(given.database)
    for table, source in tables.items():
        connection.execute(f"CREATE VIEW {_quoted(table)} AS SELECT * FROM {source}")
    try:
        result = duckdb_kql.kql(connection, query, parameters=parameters)
        result.write_csv(given.output, header=True)
    except duckdb_kql.KqlError as error:
        return _fail(f"the query cannot run here: {error}", _listed(tables))
    except Exception as error:
        return _fail(f"the query failed: {error}", _listed(tables))
    print(f"The result is in {given.output}")
    return 0


def _tables(folder: str) -> Dict[str, str]:
    """The tables of a folder, by name, as DuckDB reads them."""
    found: Dict[str, str] = {}
    for each in sorted(os.listdir(folder)):
        path = os.path.join(folder, each)
        name, kind = os.path.splitext(each)
        if os.path.isdir(path):
            kinds = {os.path.splitext(file)[1] for file in os.listdir(path)}
            for kind in sorted(kinds & set(READERS)):
                found[each] = _source(kind, os.path.join(path, "*" + kind))
        elif kind in READERS:
            found[name] = _source(kind, path)
    return found


def _source(kind: str, path: str) -> str:
    return "{}('{}')".format(READERS[kind], path.replace("'", "''"))


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _listed(tables: Dict[str, str]) -> str:
    return "the tables are {}".format(", ".join(tables) or "none")


def _fail(sentence: str, hint: str) -> int:
    sys.stderr.write(f"error: {sentence}\nhint: {hint}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
