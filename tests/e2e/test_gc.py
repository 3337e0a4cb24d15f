"""Making room through the real programs: what is said, what goes, what a crash leaves."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from .bodies import pipeline, shell, writes
from .client import Client
from .project import Project
from .waiting import until

DAY = 86_400


def make_old(folder: Path, days: int) -> None:
    """Makes every file below a folder look so many days old."""
    then = time.time() - days * DAY
    for path in [folder, *folder.rglob("*")]:
        if path.exists() and not path.is_symlink():
            os.utime(path, (then, then))


def step(text: str, reuse: bool) -> dict[str, Any]:
    line = 'mkdir -p "$1"; echo ' + text + ' > "$1/x"; echo said'
    made: dict[str, Any] = shell("make", line, {"output": "out"})
    return {**made, "outputs": [writes("out")], "allow_reuse": reuse}


def gc(project: Project, *arguments: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(project.stepwell("gc", "--json", *arguments))
    return report


def output_of(client: Client, run: str) -> Path:
    (made,) = client.steps(run)
    return Path(made["outputs"][0]["local_path"])


def test_old_runs_lose_their_files_and_reusable_ones_only_when_asked(
    project: Project, client: Client
) -> None:
    plain, reusable = (
        client.wait(client.submit(pipeline(step(text, reuse)))["id"])["id"]
        for text, reuse in (("plain", False), ("reusable", True))
    )
    places = [output_of(client, run) for run in (plain, reusable)]
    assert "nothing to remove" in project.stepwell("gc", "--older-than", "30d")

    printed = project.stepwell("gc", "--older-than", "0m", "--dry-run")
    assert "would be freed" in printed and "outputs (1)" in printed, printed
    assert all(place.exists() for place in places)
    report = gc(project, "--older-than", "0m")
    assert report["complete"] and report["freed_bytes"] > 0
    assert [place.exists() for place in places] == [False, True]

    (first,) = client.steps(plain)
    assert first["files_removed_at"] and first["status"] == "Completed"
    answer = client.request("GET", f"/runs/{first['id']}/log")
    assert answer.status == 404 and "removed" in answer.error["message"]
    again = client.wait(client.submit(pipeline(step("reusable", True)))["id"])["id"]
    assert client.steps(again)[0]["reused_from"]

    gc(project, "--older-than", "0m", "--reusable")
    assert not places[1].exists()
    third = client.wait(client.submit(pipeline(step("reusable", True)))["id"])["id"]
    assert not client.steps(third)[0]["reused_from"], "it has run again"
    assert output_of(client, third).exists()
    project.check_database()


def test_it_works_without_a_server_and_leaves_an_active_run_alone(
    project: Project, client: Client
) -> None:
    gate = project.folder / "gate"
    hold = shell("hold", f"echo up; until [ -e {gate} ]; do sleep 0.05; done; echo over")
    run = client.submit(pipeline(hold))["id"]
    until(lambda: client.run(run)["status"], lambda status: status == "Running", "it runs")
    make_old(project.data / "runs", 60)
    project.kill_server()
    gc(project, "--older-than", "0m", "--reusable")
    gate.touch()
    assert client.wait(run)["status"] == "Completed"
    assert client.log(client.steps(run)[0]["id"]) == "up\nover\n"


def test_a_nonsense_age_is_refused_before_anything_happens(project: Project) -> None:
    printed = project.stepwell("gc", "--older-than", "old", code=2)
    assert "`old` is no age" in printed


def test_doctor_says_what_takes_the_room(project: Project, client: Client) -> None:
    client.wait(client.submit(pipeline(step("x", False)))["id"])
    printed, _ = project.start("doctor").communicate(timeout=60)
    assert "disk use" in printed and "runs" in printed and "database" in printed


def test_an_unknown_wish_is_refused(client: Client) -> None:
    answer = client.request("POST", "/gc", {"older_than": 1})
    assert answer.status == 400 and "older_than" in answer.error["message"], answer.body
