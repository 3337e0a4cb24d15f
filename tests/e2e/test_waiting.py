"""Steps that could run and do not yet: why, and since when, in every place that shows a run."""

from __future__ import annotations

import os
import sys

from .bodies import pipeline, shell
from .client import Client
from .project import Project
from .waiting import until


def test_a_step_that_waits_for_a_slot_says_so_and_since_when(
    project: Project, client: Client
) -> None:
    slots = {"kind": "local", "concurrent_steps_max": 1}
    assert client.request("PUT", "/computes/one", slots).status == 200
    steps = [shell(name, "exec sleep 600") for name in ("first", "second")]
    run = client.submit(pipeline(*[{**step, "target": "one"} for step in steps]))["id"]
    rows = until(
        lambda: client.steps(run),
        lambda rows: {row["status"] for row in rows} == {"Running", "Queued"},
        "one runs and the other waits",
    )
    (waiting,) = [row for row in rows if row["status"] == "Queued"]
    assert waiting["waiting"]["reason"] == "slot"
    assert waiting["created_at"] <= waiting["waiting"]["since"]
    assert waiting["queued_seconds"] == 0, "only the queues of clusters are counted"
    shown = project.stepwell("show", waiting["id"])
    assert "waits for a free slot of its compute target" in shown
    reasons = client.get(f"/runs/{waiting['id']}/why")["steps"][0]["reasons"]
    assert any("waits for a free slot" in reason for reason in reasons), reasons
    client.request("POST", f"/runs/{run}/cancel")
    assert client.wait(run)["status"] == "Canceled"
    (settled,) = [row for row in client.steps(run) if row["id"] == waiting["id"]]
    assert (settled["status"], settled["waiting"]) == ("Canceled", None)


def test_a_step_holds_the_cores_that_it_asks_for_and_what_waits_for_them_says_so(
    project: Project, client: Client
) -> None:
    cores = len(os.sched_getaffinity(0))
    gate, ran = project.folder / "gate", project.folder / "ran"
    script = f"echo $0 >> {ran}; until [ -e {gate} ]; do sleep 0.01; done; echo $0 >> {ran}"
    wide = {**shell("wide", script), "resources": {"cores": cores}}
    names = [f"s{number}" for number in range(cores)]
    run = client.submit(pipeline(wide, *(shell(name, script) for name in names)))["id"]
    until(ran.exists, bool, "the one that asks for all cores runs")
    rows = client.steps(run)
    assert [row["status"] for row in rows] == ["Running", *["Queued"] * cores]
    expected = "cores" if cores > 1 else "slot"
    assert {row["waiting"]["reason"] for row in rows[1:]} == {expected}
    if cores > 1:
        shown = project.stepwell("show", rows[1]["id"])
        assert "waits for free cores of its compute target" in shown
    gate.touch()
    assert client.wait(run)["status"] == "Completed"
    assert ran.read_text().split()[:2] == ["wide", "wide"]
    assert len(ran.read_text().split()) == 2 * (cores + 1)


def test_an_environment_that_takes_a_while_is_seen_to_be_built(
    project: Project, client: Client
) -> None:
    step = shell("s", "true")
    step["task"]["environment"] = {
        "kind": "python",
        "base_python": sys.executable,
        # An address that accepts nothing: the build lasts until the run is cancelled.
        "pip": ["no-such-package-of-anybody"],
        "pip_options": ["--index-url", "http://10.255.255.1/simple"],
    }
    run = client.submit(pipeline(step))["id"]
    (row,) = until(
        lambda: client.steps(run),
        lambda rows: rows[0]["waiting"] is not None or rows[0]["status"] == "Failed",
        "the step waits",
    )
    if row["status"] == "Failed":
        # This machine's network refuses at once what it cannot reach.
        assert row["error"]["kind"] == "environment"
        return
    assert (row["status"], row["waiting"]["reason"]) == ("Preparing", "environment")
    client.request("POST", f"/runs/{run}/cancel")
    assert client.wait(run)["status"] == "Canceled"


def test_what_a_target_can_never_be_or_give_is_refused(client: Client) -> None:
    refused = client.request("PUT", "/computes/c", {"kind": "slrum"})
    assert refused.status == 400
    assert refused.error["message"] == "there is no kind of compute target `slrum`"
    assert "AmlCompute" in refused.error["hint"]
    step = {**shell("wide", "true"), "resources": {"nodes": 4}}
    refused = client.request("POST", "/runs", pipeline(step))
    assert refused.status == 400
    assert "it needs 4 nodes, and the target is one machine" in refused.error["message"]
    step["resources"] = {"cores": 100_000}
    refused = client.request("POST", "/runs", pipeline(step))
    said = "step `wide` can never run on `local`: it needs 100000 cores; this machine has "
    assert refused.status == 400 and said in refused.error["message"]
    step["resources"] = {"nodes": 0}
    refused = client.request("POST", "/runs", pipeline(step))
    assert "`steps[0].resources.nodes`: it must be 1 or more" in refused.error["message"]
