"""The server keeps to its OpenAPI document, whatever it is asked: no 5xx, no undocumented answer.

schemathesis makes the requests from the document, with a fixed seed: first with invented ids, then
with those of things that are there, so that the answers that succeed are seen as well. More of it,
by hand: `STEPWELL_FUZZ_EXAMPLES=500 STEPWELL_FUZZ_SEED=7`; with `STEPWELL_FUZZ_EXACT=1` also that
nothing is accepted that the document forbids, and nothing refused that it allows.

Some of what it invents starts runs. So that no invented program is ever run and no invented package
installed, the server that it asks has a supervisor that does nothing, and finds no other program.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from .bodies import pipeline, shell
from .client import Client, Endpoint
from .project import Project, binary

# By hand: whether one is found is a matter of chance, and of the version of schemathesis.
EXACT = ("negative_data_rejection", "positive_data_acceptance")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
    *(EXACT if "STEPWELL_FUZZ_EXACT" in os.environ else ()),
)
SEED = os.environ.get("STEPWELL_FUZZ_SEED", "20261125")
EXAMPLES = os.environ.get("STEPWELL_FUZZ_EXAMPLES", "8")
LIMIT_S = 900 * max(1, int(EXAMPLES) // 8)

# What a document cannot say: that a pipeline has no cycle, that what a body names is there, that
# one of two fields is given, what a digest is the digest of, what a text of JSON holds, which names
# a store takes, which settings go together. There, what the document allows may still be refused.
JUDGED = (
    "GET /api/v1/datastores/{name}/files",
    "GET /api/v1/datastores/{name}/files/{path}",
    "GET /api/v1/datastores/{name}/rows",
    "GET /api/v1/drafts",
    "GET /api/v1/runs",
    "PATCH /api/v1/drafts/{id}",
    "PATCH /api/v1/endpoints/{id}",
    "PATCH /api/v1/models/{name}/versions/{version}",
    "PATCH /api/v1/schedules/{id}",
    "POST /api/v1/datasets",
    "POST /api/v1/drafts",
    "POST /api/v1/models",
    "POST /api/v1/plan",
    "POST /api/v1/published",
    "POST /api/v1/runs",
    "POST /api/v1/runs/interactive",
    "POST /api/v1/runs/{run}/resubmit",
    "POST /api/v1/schedules",
    "POST /api/v1/schedules/preview",
    "PUT /api/v1/computes/{name}",
    "PUT /api/v1/datastores/{name}",
    "PUT /api/v1/datastores/{name}/files/{path}",
    "PUT /api/v1/objects/{digest}",
    "PUT /api/v1/snapshots/{digest}",
)

# Where a given version takes the place of an invented one, one that should be refused is fine.
GIVEN = "/versions/"


# The original service takes names in any spelling, and so do its addresses here.
LENIENT = "^/pipelines/"


def checked() -> str:
    """The settings: the checks, less single ones for single operations."""
    checks = "[checks]\nenabled = false\n" + "".join(f"{name}.enabled = true\n" for name in CHECKS)
    judged = "".join(
        f'[[operations]]\ninclude-name = "{name}"\n'
        "checks.positive_data_acceptance.enabled = false\n"
        for name in JUDGED
    )
    lenient = (
        f'[[operations]]\ninclude-path-regex = "{LENIENT}"\n'
        "checks.positive_data_acceptance.enabled = false\n"
        "checks.negative_data_rejection.enabled = false\n"
    )
    given = (
        f'[[operations]]\ninclude-path-regex = "{GIVEN}"\n'
        "checks.negative_data_rejection.enabled = false\n"
    )
    return checks + judged + lenient + given


def fuzz(client: Client, folder: Path, settings: str = "") -> None:
    """Ask every route but the one that ends the server, and expect nothing to report."""
    settings += checked()
    file = folder / "schemathesis.toml"
    file.write_text(settings)
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={file}",
        "run",
        f"{client.endpoint.url}/api/v1/openapi.json",
        f"--header=Authorization: Bearer {client.endpoint.token}",
        "--phases=examples,coverage,fuzzing",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--exclude-path=/api/v1/shutdown",
        # A stream without an end.
        "--exclude-path=/api/v1/events",
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
    # The same user's as of the server that made the folder.
    state = os.environ.get("XDG_STATE_HOME", str(Path.home() / ".local" / "state"))
    home = {"HOME": str(folder), "XDG_STATE_HOME": state, "STEPWELL_LOG": "info"}
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
    project.stepwell("stop")
    with inert(tmp_path, project.data) as fuzzed:
        fuzz(fuzzed, tmp_path, settings)
        assert fuzzed.request("GET", "/health", token=None).status == 200
