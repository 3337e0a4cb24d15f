"""Which step starts when, and what the steps of a pipeline hand on to each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from .bodies import Json, literals, pipeline, reads, reads_path, shell, writes
from .client import Client
from .project import Project
from .waiting import until

# Runs until a file appears: a step that a test holds in its hand.
HOLD = 'while [ ! -e "$1" ]; do sleep 0.01; done'


@pytest.mark.parametrize("slots", [1, 3])
def test_no_more_steps_run_at_once_than_the_target_allows(
    project: Project, client: Client, slots: int
) -> None:
    client.call("PUT", "/computes/gpu", {"concurrent_steps_max": slots})
    gate = project.folder / "gate"
    steps = [shell(f"s{n}", HOLD, *literals(gate), target="gpu") for n in range(6)]
    run = client.submit(pipeline(*steps))["id"]

    def load() -> tuple[int, int]:
        compute = client.get("/computes/gpu")
        return compute["running"], compute["queued"]

    statuses = until(
        lambda: [step["status"] for step in client.steps(run)],
        lambda seen: seen.count("Running") == slots,
        "all slots are in use",
    )
    assert statuses.count("Queued") + statuses.count("NotStarted") == 6 - slots, statuses
    assert load() == (slots, 6 - slots)
    gate.touch()
    assert client.wait(run)["status"] == "Completed"
    assert load() == (0, 0)
    assert most_at_once(client.events(run)) == slots


def most_at_once(events: list[Json]) -> int:
    """How many steps held a slot at the same time, by the events."""
    now = most = 0
    for event in events:
        if event["step"] is not None:
            now += {"Preparing": 1, "Running": 0}.get(event["status"], -1)
        most = max(most, now)
    return most


def test_after_a_failure_nothing_starts_unless_the_run_continue_on_failure(client: Client) -> None:
    steps = [
        shell("bad", "exit 1"),
        shell("dependent", "echo never", after=[0]),
        shell("last", "echo never", after=[1]),
        shell("other", "echo other"),
        shell("after other", "echo after", after=[3]),
    ]
    client.call("PUT", "/computes/local", {"concurrent_steps_max": 1})
    outcomes = {}
    for continue_on_failure in (False, True):
        run = client.submit(pipeline(*steps, continue_on_step_failure=continue_on_failure))["id"]
        over = client.wait(run)
        assert over["status"] == "Failed"
        assert over["error"]["message"] == "step `bad` failed: the script exited with status 1"
        outcomes[continue_on_failure] = [step["status"] for step in client.steps(run)]
    assert outcomes == {
        False: ["Failed", "Canceled", "Canceled", "Canceled", "Canceled"],
        True: ["Failed", "Canceled", "Canceled", "Completed", "Completed"],
    }


def test_steps_pass_data_and_start_in_order_wherever_they_stand_in_the_list(
    project: Project, client: Client
) -> None:
    order = project.folder / "order"
    path = "results/{run-id}/{output-name}"
    join = 'cat "$1" "$2" > "$3"; echo join >> "$4"'
    steps = [
        shell(
            "check",
            'cat "$1"; echo check >> "$2"',
            {"input": "joined"},
            *literals(order),
            inputs=[reads("joined", 1, "joined")],
        ),
        shell(
            "join",
            join,
            {"input": "raw"},
            {"input": "part"},
            {"output": "joined"},
            *literals(order),
            inputs=[reads_path("raw", "raw.txt"), reads("part", 2, "part")],
            outputs=[writes("joined", path=path)],
        ),
        shell(
            "part",
            'echo part > "$1/data"; echo u > up.txt; echo part >> "$2"',
            {"output": "folder"},
            *literals(order),
            outputs=[writes("folder", make_folder=True), writes("part", upload_from="up.txt")],
        ),
        shell("end", 'echo end >> "$1"', *literals(order), after=[0]),
    ]
    raw = project.data / "data" / "workspaceblobstore" / "raw.txt"
    client.get("/workspace")
    raw.write_text("raw\n")
    body = pipeline(*steps)
    run = client.submit(body)["id"]
    assert client.wait(run)["status"] == "Completed"
    assert order.read_text().split() == ["part", "join", "check", "end"]
    check, joined, *_ = client.steps(run)
    assert client.log(check["id"]) == "raw\nu\n"
    (output,) = joined["outputs"]
    assert output["path"] == f"results/{joined['id']}/joined"
    assert Path(output["local_path"]).read_text() == "raw\nu\n"


def test_parameters_reach_the_arguments_that_name_them(client: Client) -> None:
    step = shell("show", 'echo "$1"', {"parameter": "rate"})
    run = client.submit(pipeline(step, parameters={"rate": "0.1 and a 'quote'"}))["id"]
    client.wait(run)
    assert client.log(client.steps(run)[0]["id"]) == "0.1 and a 'quote'\n"
