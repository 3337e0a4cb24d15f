"""What does not fit is refused before anything runs, with a code, the reason, and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import pytest

from .bodies import Json, literals, script, shell
from .client import Client
from .faults import BODIES, GRAPHS, Fault, good
from .project import Project


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for all cases: each of them must leave it as it was."""
    project = Project(tmp_path_factory.mktemp("refused"))
    yield project.client
    project.close()


CASES = [("invalid_graph", fault) for fault in GRAPHS] + [
    ("invalid_request", fault) for fault in BODIES
]


@pytest.mark.parametrize(("code", "fault"), CASES, ids=[fault.name for _, fault in CASES])
def test_a_faulty_run_is_refused_before_anything_runs(
    served: Client, code: str, fault: Fault
) -> None:
    body = good()
    fault.spoil(body)
    answer = served.request("POST", "/runs", body)
    assert (answer.status, answer.error["code"]) == (400, code), answer.body
    message, hint = answer.error["message"], answer.error.get("hint", "")
    assert fault.says in message and "\n" not in message, message
    assert fault.hints in hint, hint
    assert served.get("/runs")["runs"] == []


def test_the_body_that_the_faults_spoil_is_good(client: Client) -> None:
    assert client.wait(client.submit(good())["id"])["status"] == "Completed"


NOT_THERE = "01900000-0000-7000-8000-000000000000"

REQUESTS: list[tuple[str, str, Json, int, str]] = [
    ("GET", "/runs/nonsense", None, 404, "not_found"),
    ("GET", f"/runs/{NOT_THERE}", None, 404, "not_found"),
    ("GET", f"/runs/{NOT_THERE}/log", None, 404, "not_found"),
    ("GET", f"/runs/{NOT_THERE}/events", None, 404, "not_found"),
    ("PUT", f"/runs/{NOT_THERE}/files/a", b"", 404, "not_found"),
    ("POST", f"/runs/{NOT_THERE}/cancel", None, 404, "not_found"),
    ("POST", "/runs", {**good(), "parent": NOT_THERE}, 404, "not_found"),
    ("GET", "/runs?limit=many", None, 400, "invalid_request"),
    ("GET", "/runs?statu=Failed", None, 400, "invalid_request"),
    ("GET", "/runs?status=Fine", None, 400, "invalid_request"),
    ("POST", "/runs", b"{", 400, "invalid_request"),
    ("POST", "/runs", b"\xff", 400, "invalid_request"),
    ("POST", "/runs", [], 400, "invalid_request"),
    ("PUT", "/computes/c", {"concurrent_steps_max": 0}, 400, "invalid_request"),
    ("PUT", "/computes/c", {"concurrent_steps_max": -1}, 400, "invalid_request"),
    ("GET", "/computes/nowhere", None, 404, "not_found"),
    ("GET", "/datastores/nowhere", None, 404, "not_found"),
    ("GET", "/models/none/versions/1", None, 404, "not_found"),
    ("PUT", f"/objects/{'0' * 64}", b"something else", 400, "invalid_request"),
    ("GET", "/no/such/route", None, 404, "not_found"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), REQUESTS)
def test_a_request_that_makes_no_sense_is_answered_with_the_reason(
    served: Client, method: str, path: str, body: Json, status: int, code: str
) -> None:
    path, _, query = path.partition("?")
    pairs = dict([query.split("=")]) if query else None
    answer = served.request(method, path, body, query=pairs)
    assert (answer.status, answer.error["code"]) == (status, code), answer.body
    assert answer.error["message"]


def files_below(folder: Path) -> set[Path]:
    """All files but SQLite's; a folder that is tidied away meanwhile does not matter."""
    found = {Path(at) / name for at, _, names in os.walk(folder) for name in names}
    return {path for path in found if not path.name.startswith("stepwell.db")}


@pytest.mark.parametrize("name", ["../../../token", "a/../../x", "/dev/null/x", "a/\0/b"])
def test_no_file_of_a_run_is_read_or_written_outside_its_folder(
    project: Project, client: Client, name: str
) -> None:
    run = client.wait(client.submit(script(shell("s", ":")))["id"])["id"]
    before = files_below(project.data)
    token = (project.data / "token").read_text()
    for written in (name, name.replace("/", "%2F"), name.replace("..", "%2e%2e")):
        for method, body in (("GET", None), ("PUT", b"planted")):
            answer = client.request(method, f"/runs/{run}/files/{written}", body)
            stays_inside = method == "PUT" and answer.status == 201
            assert answer.status in (400, 404) or stays_inside, (method, written, answer)
            assert token.encode() not in answer.body
    planted = files_below(project.data) - before
    inside = project.data / "runs" / run / "files"
    assert all(inside in path.parents for path in planted), planted
    assert (project.data / "token").read_text() == token


def test_a_link_that_a_step_left_is_a_copy_that_leads_nobody_out_of_its_folder(
    project: Project, client: Client
) -> None:
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "theirs").write_text("as it was")
    step = shell("s", 'ln -s "$1" outputs/link', *literals(elsewhere))
    run = client.wait(client.submit(script(step))["id"])["id"]
    path = f"/runs/{run}/files/outputs/link"
    (elsewhere / "theirs").write_text("as it is")
    (elsewhere / "later").write_text("made after the step")
    assert client.request("GET", f"{path}/theirs").body == b"as it was"
    assert client.request("GET", f"{path}/later").status == 404
    for name in ("theirs", "planted", "new/planted"):
        answer = client.request("PUT", f"{path}/{name}", b"x", query={"overwrite": "true"})
        assert answer.status == 201, answer
        assert client.request("GET", f"{path}/{name}").body == b"x"
    assert sorted(file.name for file in elsewhere.iterdir()) == ["later", "theirs"]
    assert (elsewhere / "theirs").read_text() == "as it is"


def test_a_file_that_is_there_is_kept_unless_the_writer_says_otherwise(client: Client) -> None:
    run = client.wait(client.submit(script(shell("s", "")))["id"])["id"]
    path = f"/runs/{run}/files/notes/a.txt"
    assert client.request("PUT", path, b"one").status == 201
    again = client.request("PUT", path, b"two")
    assert (again.status, again.error["code"]) == (409, "conflict")
    assert client.request("GET", path).body == b"one"
    assert client.request("PUT", path, b"two", query={"overwrite": "true"}).status == 201
    assert client.request("GET", path).body == b"two"


def test_every_route_but_health_wants_the_token(client: Client) -> None:
    document = client.request("GET", "/openapi.json", token=None).json()
    routes = [
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "put", "post", "patch", "delete")
    ]
    assert len(routes) > 30, routes
    for method, path in routes:
        for token in (None, "wrong", client.endpoint.token[:-1]):
            answer = client.request(method, path, token=token, prefix="")
            if path == "/api/v1/health":
                assert answer.status == 200, answer
                continue
            assert answer.status == 401, (method, path)
            if path.startswith("/pipelines/"):  # it speaks as the original service
                error = answer.json()["Error"]
                assert error["InnerError"]["Code"] == "Unauthorized"
                assert "stepwell connect" in error["Message"]
                continue
            assert answer.error["code"] == "unauthorized", (method, path)
            assert "stepwell connect" in answer.error["hint"]
    assert client.request("GET", "/health", token=None).json()["status"] == "ok"
    client.get("/workspace")
