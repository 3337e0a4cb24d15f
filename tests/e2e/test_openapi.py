"""The server keeps to its OpenAPI document, whatever it is asked: no 5xx, no undocumented answer.

schemathesis makes the requests from the document, with a fixed seed: first with invented ids, then
with those of things that are there, so that the answers that succeed are seen as well.

Some of what it invents starts runs. So that no invented program is ever run and no invented package
installed, the server that it asks has a supervisor that does nothing, and finds no other program.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from .bodies import pipeline, shell
from .client import Client, Endpoint
from .project import Project, binary

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
SEED = "20261125"
EXAMPLES = "8"
LIMIT_S = 900


def fuzz(client: Client, folder: Path, *arguments: str) -> None:
    """Ask every route but the one that ends the server, and expect nothing to report."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *arguments,
        "run",
        f"{client.endpoint.url}/api/v1/openapi.json",
        f"--header=Authorization: Bearer {client.endpoint.token}",
        f"--checks={','.join(CHECKS)}",
        "--phases=examples,coverage,fuzzing",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--exclude-path=/api/v1/shutdown",
        "--suppress-health-check=all",
        "--generation-database=none",
        "--request-timeout=65",
        "--no-shrink",
        "--continue-on-failure",
        "--no-color",
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "Test cases" in done.stdout, done.stdout[-2_000:]


@contextmanager
def inert(folder: Path, data: Path) -> Iterator[Client]:
    """A server of a data folder that cannot run anything."""
    programs = folder / "programs"
    programs.mkdir()
    program = programs / "stepwell"
    shutil.copy2(binary(), program)
    supervisor = programs / "stepwell-supervise"
    supervisor.write_text("#!/bin/sh\nexit 0\n")
    supervisor.chmod(0o755)
    nothing = {"PATH": str(folder / "nowhere"), "STEPWELL_UV": str(folder / "nowhere" / "uv")}
    home = {"HOME": str(folder), "STEPWELL_LOG": "info"}
    server = subprocess.Popen(
        [str(program), "serve", "--data", str(data), "--port", "0"],
        cwd=folder,
        env={**nothing, **home},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split(" at ")[-1].strip()
        token = (data / "token").read_text().strip()
        yield Client(lambda: Endpoint(url, token, server.pid))
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_invented_requests_get_documented_answers(tmp_path: Path) -> None:
    with inert(tmp_path, tmp_path / "data") as client:
        fuzz(client, tmp_path)
        assert client.request("GET", "/health", token=None).status == 200


def test_requests_for_things_that_are_there_get_documented_answers(
    project: Project, client: Client, tmp_path: Path
) -> None:
    step = shell("s", "echo hello; echo kept > outputs/model")
    run = client.wait(client.submit(pipeline(step))["id"])["id"]
    part = client.steps(run)[0]["id"]
    client.call("POST", "/models", {"name": "there", "run": part, "path": "outputs/model"})
    client.call("PUT", "/experiments/there")
    client.call("PUT", "/computes/there", {})
    client.call("PUT", "/environments/there", {"definition": {}})
    known = {"run": part, "name": "there", "version": "1"}
    settings = "[parameters]\n" + "".join(
        f'"path.{name}" = {json.dumps(value)}\n' for name, value in known.items()
    )
    file = project.folder / "schemathesis.toml"
    file.write_text(settings)
    project.stepwell("stop")
    with inert(tmp_path, project.data) as fuzzed:
        fuzz(fuzzed, tmp_path, f"--config-file={file}")
        assert fuzzed.request("GET", "/health", token=None).status == 200
