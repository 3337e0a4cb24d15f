"""Who gets in, through the real programs: a step's own token, the commands, https, and the log."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Iterator

import pytest
import trustme

from .bodies import script, shell
from .client import Client, Json
from .project import Project
from .waiting import until


def token_of_a_step(client: Client, run: str) -> str:
    """What a step found in its environment, which it left in a file."""
    return client.request("GET", f"/runs/{run}/files/outputs/token").body.decode().strip()


def test_credentials_are_lent_to_no_step_whose_data_is_staged_and_to_nobody_else(
    project: Project, client: Client
) -> None:
    store = {"kind": "s3", "bucket": "b", "credentials": {"secret_access_key": "very-hidden"}}
    for name in ("mine", "other"):
        client.request("PUT", f"/datastores/{name}", {**store, "skip_validation": True})
    step = shell("s", 'echo "$STEPWELL_TOKEN" > $1/token; exec sleep 600', {"output": "here"})
    step["outputs"] = [
        {"name": "there", "datastore": "mine"},
        {"name": "here", "path": "here", "make_folder": True},
    ]
    run = str(client.submit(script(step))["id"])
    kept = project.data / "runs" / run / "staged" / "here" / "token"
    until(lambda: kept.exists() and kept.read_text(), bool, "the step has its token")
    token = kept.read_text().strip()

    def ask(run: str, name: str, token: str | None = "") -> str:
        path = f"/runs/{run}/datastores/{name}/connection"
        answer = client.request("GET", path, token=token)
        assert answer.status in (403, 404) and b"hidden" not in answer.body, answer
        return str(answer.error["message"])

    other = finished(client)
    for name in ("mine", "other", "absent"):
        assert "reads and writes datastores itself" in ask(run, name, token)
        assert "to a step alone" in ask(other, name, token)
        assert "to a step alone" in ask(run, name)
    client.request("POST", f"/runs/{run}/cancel")
    assert client.wait(run)["status"] == "Canceled"
    assert "no running step" in ask(run, "mine", token)
    audit = client.get("/audit", limit=100)["records"]
    asked = [line for line in audit if line["path"].endswith("/mine/connection")]
    assert {line["status"] for line in asked} == {403}
    assert run in {line["who"] for line in asked}


def finished(client: Client) -> str:
    step = shell(
        "s", 'echo "$STEPWELL_TOKEN" > outputs/token; test "$AZUREML_RUN_TOKEN" = "$STEPWELL_TOKEN"'
    )
    run = client.wait(client.submit(script(step))["id"])
    assert run["status"] == "Completed", run
    return str(run["id"])


def test_a_step_may_do_what_scripts_do_and_is_known_as_itself(
    project: Project, client: Client
) -> None:
    run = finished(client)
    token = token_of_a_step(client, run)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] > time.time()
    assert token != client.endpoint.token

    def ask(method: str, path: str, body: Json = None) -> int:
        return client.request(method, path, body, token=token).status

    caller = client.request("GET", "/caller", token=token).json()
    assert (caller["kind"], caller["id"], caller["role"]) == ("step", run, "submitter")
    point = {"name": "a", "kind": "scalar", "value": 1.0, "at_ms": 1}
    batch = {"writer": "w", "first": 0, "points": [point]}
    assert ask("POST", f"/runs/{run}/metrics", batch) == 204
    assert ask("POST", "/runs/interactive", {"experiment": "e", "parent": run}) == 201
    assert ask("POST", "/runs", script(shell("t", ""))) == 201
    assert ask("POST", "/models", {"name": "m", "run": run, "path": "outputs/token"}) == 201
    assert ask("PATCH", "/models/m/versions/1", {"set_tags": {"a": "b"}}) == 200
    dataset = {"kind": "file", "definition": {}, "name": "d", "create_new_version": True}
    assert ask("POST", "/datasets", dataset) in (201, 400), "its shape, not its right"

    assert ask("DELETE", "/models/m/versions/1") == 403
    assert ask("PUT", "/computes/gpu", {}) == 403
    assert ask("POST", "/tokens", {"name": "x", "role": "owner"}) == 403
    assert ask("GET", "/tokens") == 403
    assert ask("GET", "/audit") == 403
    assert ask("POST", "/shutdown") == 403

    records = client.get("/audit", limit=100)["records"]
    by_step = [record for record in records if record["kind"] == "step"]
    assert all(record["who"] == run for record in by_step)
    assert {record["status"] for record in by_step} >= {201, 204, 403}


def test_the_token_of_a_step_ends_a_while_after_its_run(project: Project, client: Client) -> None:
    run = finished(client)
    token = token_of_a_step(client, run)
    assert client.request("GET", "/caller", token=token).status == 200
    with closing(sqlite3.connect(project.data / "stepwell.db", timeout=10)) as database:
        past = int((time.time() - 601) * 1000)
        database.execute("UPDATE runs SET ended_ms = ? WHERE hex(id) = ?", (past, hexed(run)))
        database.commit()
    answer = client.request("GET", "/caller", token=token)
    assert (answer.status, answer.error["code"]) == (401, "unauthorized")
    assert "over" in answer.error["message"]


def hexed(run: str) -> str:
    return run.replace("-", "").upper()


def test_a_step_keeps_its_token_when_it_has_to_find_the_server_again(
    project: Project, client: Client
) -> None:
    run = finished(client)
    token = token_of_a_step(client, run)
    project.stepwell("stop")
    again = project.connect()
    client_again = Client(lambda: again)
    assert client_again.request("GET", "/caller", token=token).json()["id"] == run


def test_the_commands_give_list_and_take_tokens(project: Project, client: Client) -> None:
    text = project.stepwell("token", "create", "ci", "--role", "submitter", "--expires", "90d")
    token = text.strip()
    assert client.request("GET", "/caller", token=token).json()["name"] == "ci"
    made = json.loads(project.stepwell("token", "create", "x", "--role", "reader", "--json"))
    assert made["role"] == "reader"

    listed = project.stepwell("token", "list")
    assert "ci" in listed and "submitter" in listed and token not in listed
    both = json.loads(project.stepwell("token", "list", "--json"))
    assert [entry["name"] for entry in both] == ["ci", "x"]
    assert "already" in project.stepwell("token", "create", "x", "--role", "reader", code=5)

    project.stepwell("token", "revoke", "ci")
    assert client.request("GET", "/caller", token=token).status == 401
    assert "ci" not in project.stepwell("token", "list")
    assert "revoked" in project.stepwell("token", "list", "--all")
    project.stepwell("token", "revoke", "nobody", code=3)
    project.stepwell("token", "create", "y", "--role", "king", code=2)
    project.stepwell("token", "create", "y", "--role", "reader", "--expires", "soon", code=2)

    records = json.loads(project.stepwell("audit", "--json"))
    assert [(record["method"], record["status"]) for record in records][:2] == [
        ("DELETE", 404),
        ("DELETE", 200),
    ]
    assert "DELETE /api/v1/tokens/ci" in project.stepwell("audit", "--limit", "2")


def test_no_secret_is_in_the_log_however_much_it_tells(project: Project, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as file:
        variables = {**project.variables, "STEPWELL_LOG": "trace"}
        server = project.start("serve", env=variables, stdout=file, stderr=file)
        until(log.read_text, lambda text: "serving" in text, "the server serves")
        client, endpoint = project.client, project.connect()
        token = project.stepwell("token", "create", "ci", "--role", "owner").strip()
        client.request("GET", "/runs", token=token)
        run = finished(client)
        ticket = client.call("POST", "/tickets")["ticket"]
        client.request("GET", "/runs", token="stw_wrong")
        secrets = (token, endpoint.token, ticket, token_of_a_step(client, run), "stw_wrong")
        server.terminate()
        server.wait(timeout=30)
    kept = log.read_text()
    assert "has stopped" in kept, kept
    for secret in secrets:
        assert secret not in kept


@pytest.fixture
def https(project: Project, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables with which a server is found that speaks https."""
    authority = trustme.CA()
    pair = authority.issue_cert("127.0.0.1")
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(str(files["ca"]))
    pair.private_key_pem.write_to_path(str(files["key"]))
    for part in pair.cert_chain_pems:
        part.write_to_path(str(files["cert"]), append=True)
    arguments = ("--tls-cert", str(files["cert"]), "--tls-key", str(files["key"]), "--port", "0")
    server = project.start("serve", "--data", str(project.data), *arguments)
    assert server.stdout is not None
    line = server.stdout.readline()
    url = next(word.rstrip(",") for word in line.split() if word.startswith("https://"))
    token = (project.data / "token").read_text().strip()
    yield {"STEPWELL_URL": url, "STEPWELL_TOKEN": token, "STEPWELL_CA_FILE": str(files["ca"])}
    server.terminate()
    server.communicate(timeout=30)


def test_the_commands_speak_https_to_whom_they_trust(
    project: Project, https: dict[str, str], tmp_path: Path
) -> None:
    def runs(code: int, **changed: str) -> str:
        variables = {**project.variables, **https, **changed}
        return project.stepwell("runs", code=code, env=variables)

    runs(0)
    assert "does not answer" in runs(4, STEPWELL_CA_FILE="")
    runs(0, STEPWELL_CA_FILE="", SSL_CERT_FILE=https["STEPWELL_CA_FILE"])
    (tmp_path / "empty.pem").write_text("")
    assert "holds no certificate" in runs(2, STEPWELL_CA_FILE=str(tmp_path / "empty.pem"))
    assert "cannot be read" in runs(2, STEPWELL_CA_FILE=str(tmp_path / "none.pem"))


def test_programs_speak_https_to_whom_they_trust(project: Project, https: dict[str, str]) -> None:
    program = "from stepwell._connect import connect\nprint(connect().get('/caller')['role'])\n"

    def run(**changed: str) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, **https, **changed}
        for name in ("STEPWELL_DATA", "STEPWELL_BIN"):
            variables.pop(name, None)
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, env=variables, capture_output=True, text=True, timeout=60, check=False
        )

    assert run().stdout == "owner\n", run().stderr
    began = time.monotonic()
    refused = run(STEPWELL_CA_FILE="")
    assert refused.returncode != 0 and "STEPWELL_CA_FILE" in refused.stderr, refused.stderr
    assert time.monotonic() - began < 10, "asking again does not help, so it is not done"


def test_an_embedded_server_listens_on_this_machine_only(project: Project) -> None:
    url = project.connect().url
    assert url.startswith("http://127.0.0.1:")
    refused = project.stepwell("serve", "--host", "0.0.0.0", "--data", "other", code=5)
    assert "token" in refused and "stepwell token create" in refused
