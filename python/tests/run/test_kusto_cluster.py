"""Queries of a Kusto cluster, against a server of the documented protocol."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from azureml.core import Workspace
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import KustoStep
from stepwell import _kusto_cluster, kusto

TOKEN = "secret-of-the-cluster"
HEADER = {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"}
END = {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False}


def table(kind: str, rows: List[Any]) -> Dict[str, Any]:
    columns = [
        {"ColumnName": "state", "ColumnType": "string"},
        {"ColumnName": "tags", "ColumnType": "dynamic"},
        {"ColumnName": "deaths", "ColumnType": "long"},
    ]
    frame = {"FrameType": "DataTable", "TableId": 1, "TableKind": kind, "TableName": kind}
    return {**frame, "Columns": columns, "Rows": rows}


class Cluster(object):
    """What the server was asked, and what it answers; the last answer is given again."""

    def __init__(self) -> None:
        self.asked: List[Dict[str, Any]] = []
        self.answers: List[Tuple[int, Any]] = [
            (200, [HEADER, table("QueryProperties", []), self.result(), END])
        ]

    @staticmethod
    def result() -> Dict[str, Any]:
        return table("PrimaryResult", [["TX, east", {"a": 1}, 3], ["KS", None, None]])


@pytest.fixture
def cluster() -> Iterator[Tuple[str, Cluster]]:
    """A cluster, and its address."""
    cluster = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            cluster.asked.append({"path": self.path, **json.loads(text)})
            status, answer = cluster.answers[0]
            if len(cluster.answers) > 1:
                cluster.answers.pop(0)
            if self.headers["Authorization"] != "Bearer " + TOKEN:
                status, answer = 401, {}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", cluster
    server.shutdown()
    server.server_close()


def ask(url: str, waits: List[float], token: str = TOKEN) -> _kusto_cluster.Table:
    given = {"least": 1, "name": 'a "b"'}
    return _kusto_cluster.query(url, "Samples", "storms", given, token, waits.append)


def test_a_step_of_a_cluster_sends_its_query_there(
    project: Path, cluster: Tuple[str, Cluster]
) -> None:
    url, known = cluster
    workspace = Workspace.from_config()
    name = "kusto-" + project.name
    kusto.configure(workspace, name, url + "/", token_variable="MY_TOKEN")
    (project / "query").mkdir()
    (project / "query" / "q.kql").write_text("storms | where deaths >= least")
    step = KustoStep(
        name="storms",
        compute_target=name,
        database_name="Samples",
        query_directory=str(project / "query"),
        output=PipelineData("result"),
        parameter_dict={"least": 1},
    )
    pipeline = Pipeline(workspace, [step])
    pipeline.validate()
    (node,) = pipeline.graph.nodes
    assert node._work.cluster == {"cluster_url": url, "token_variable": "MY_TOKEN"}
    words = [token.text for token in node._work._place()]
    line = [sys.executable, "-m", "stepwell._kusto", *words]
    line += ["--output", str(project / "out" / "result"), "--parameters", '{"least": 1}']
    paths = os.pathsep.join(each for each in sys.path if each)
    environ = {**os.environ, "PYTHONPATH": paths, "MY_TOKEN": TOKEN}
    ran = subprocess.run(line, cwd=project / "query", env=environ, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    (asked,) = known.asked
    assert (asked["path"], asked["db"]) == ("/v2/rest/query", "Samples")
    assert asked["csl"] == "storms | where deaths >= least"
    assert asked["properties"] == {"Parameters": {"least": "1"}}
    with open(project / "out" / "result", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["state", "tags", "deaths"], ["TX, east", '{"a": 1}', "3"], ["KS", "", ""]]
    environ.pop("MY_TOKEN")
    ran = subprocess.run(line, cwd=project / "query", env=environ, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "the environment variable MY_TOKEN is not set" in ran.stderr


def test_a_busy_cluster_is_asked_again_and_values_are_written_as_kql(
    cluster: Tuple[str, Cluster],
) -> None:
    url, known = cluster
    known.answers[:0] = [(429, {}), (503, {})]
    waits: List[float] = []
    assert ask(url, waits).rows[0] == ["TX, east", {"a": 1}, 3]
    assert waits == [0.0, 2.0] and len(known.asked) == 3
    assert known.asked[0]["properties"]["Parameters"] == {"least": "1", "name": '"a \\"b\\""'}


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (400, {"error": {"code": "General_BadRequest", "@message": "no table storms"}}, "no table"),
        (404, {"error": {"message": "no database Samples"}}, "no database Samples"),
        (200, {"Tables": []}, "speaks another language"),
        (200, [HEADER, END], "gives no table"),
        (
            200,
            [
                HEADER,
                Cluster.result(),
                {**END, "HasErrors": True, "OneApiErrors": [{"error": {"@message": "too large"}}]},
            ],
            "the query failed: too large",
        ),
        (
            200,
            [HEADER, table("PrimaryResult", [["TX", None, 1], {"OneApiErrors": ["cut"]}]), END],
            "the query failed: cut",
        ),
    ],
)
def test_what_a_cluster_refuses_is_said(
    cluster: Tuple[str, Cluster], status: int, answer: Any, says: str
) -> None:
    url, known = cluster
    known.answers = [(status, answer)]
    with pytest.raises(_kusto_cluster.Refused, match=says):
        ask(url, [])


def test_an_expired_token_and_a_silent_cluster_are_said(cluster: Tuple[str, Cluster]) -> None:
    with pytest.raises(_kusto_cluster.Refused, match="it may have expired") as refused:
        ask(cluster[0], [], "old-token")
    assert "old-token" not in str(refused.value)
    waits: List[float] = []
    with pytest.raises(_kusto_cluster.Refused, match="gives no answer"):
        ask("http://127.0.0.1:9", waits)
    assert len(waits) == _kusto_cluster.TRIES - 1


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="is the address of a cluster"):
        kusto.configure(None, "kusto", "help.kusto.windows.net")
