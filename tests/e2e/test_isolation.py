"""Steps on an isolated target, by the real programs: they work, and the data folder is safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import stepwell

from .bodies import literals, pipeline, python, reads, script, shell, writes
from .client import Client, Refused
from .project import Project

# Where the SDK of these tests is; what is installed is seen with its interpreter.
SDK = str(Path(stepwell.__file__).parents[1])

MAKE = """
import os, sys, tempfile
from azureml.core import Run

run = Run.get_context()
run.log("seen", 1.0)
with open(sys.argv[1], "w") as made:
    made.write("made")
tempfile.mkdtemp()
ways = [sys.argv[2] + "/" + name for name in ("token", "stepwell.db", "runs", "server.json")]
for way in [*ways, os.path.expanduser("~root"), "/tmp"]:
    try:
        print("seen:", way, os.listdir(way) if os.path.isdir(way) else open(way, "rb").read(9))
    except OSError as error:
        print("hidden:", error.errno)
run.upload_file("note", sys.argv[1])
"""


def guarded(client: Client, **isolation: Any) -> None:
    """Makes the target."""
    client.call("PUT", "/computes/guarded", {"settings": {"isolation": isolation}})


def test_an_isolated_pipeline_runs_and_sees_nothing_of_the_data_folder(
    project: Project, client: Client
) -> None:
    guarded(client, readable=[SDK])
    snapshot = project.snapshot({"make.py": MAKE})
    data = literals(project.data)
    where = {"target": "guarded"}

    def makes(name: str, **more: Any) -> Any:
        ports = [{"output": "o"}, *data]
        return python(name, "make.py", snapshot, *ports, outputs=[writes("o")], **where, **more)

    read = shell("read", 'cat "$1"', {"input": "i"}, inputs=[reads("i", 0, "o")], **where)
    # The supervisor of an earlier step may start a later one in another way than the first.
    steps = (makes("make"), read, makes("again", after=[0]), makes("more", after=[2]))
    run = client.wait(client.submit(pipeline(*steps))["id"], 60)
    first, second, *others = client.steps(run["id"])
    for step in (first, *others):
        log = client.log(step["id"])
        assert step["status"] == "Completed", log
        assert "seen:" not in log and log.count("hidden:") == 6, log
    assert client.log(second["id"]) == "made"
    (series,) = client.get(f"/runs/{first['id']}/metrics")["series"]
    assert series["name"] == "seen", "it logs"
    assert "note" in client.files(first["id"])


def test_an_isolated_step_starts_nothing_that_is_not_isolated(
    project: Project, client: Client
) -> None:
    guarded(client)
    run = client.submit(script(shell("s", 'echo "$STEPWELL_TOKEN"', target="guarded")))["id"]
    client.wait(run)
    token = client.log(run).strip()
    own = script(shell("own", "true", target="guarded"))
    assert client.request("POST", "/runs", own, token=token).status == 201
    other = pipeline(shell("own", "true", target="guarded"), shell("out", "true"))
    refused = client.request("POST", "/runs", other, token=token)
    assert (refused.status, refused.error["code"]) == (403, "forbidden"), refused
    assert "`out` on `local`" in refused.error["message"], refused
    # A step that is not isolated may, as before.
    free = client.submit(script(shell("s", 'echo "$STEPWELL_TOKEN"')))["id"]
    client.wait(free)
    assert client.request("POST", "/runs", other, token=client.log(free).strip()).status == 201


@pytest.mark.parametrize("isolation", [True, {"readable": ["data"]}, {"reads": []}])
def test_a_setting_that_does_not_fit_is_refused(client: Client, isolation: object) -> None:
    with pytest.raises(Refused, match="isolation"):
        client.call("PUT", "/computes/guarded", {"settings": {"isolation": isolation}})
