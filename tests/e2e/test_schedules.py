"""Schedules with the real server: they fire by themselves, once each, whoever is killed."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone
from typing import Any

from .bodies import pipeline, shell
from .client import Client
from .project import Project
from .waiting import until

# How many schedules fire around the kills.
SCHEDULES = 30

ENDED = ("fired", "skipped")


def publish(client: Client, command: str = "echo fired") -> str:
    """A published pipeline of one step."""
    body = {"name": "fires", "pipeline": pipeline(shell("tell", command))}
    return str(client.call("POST", "/published", body)["id"])


def create(client: Client, published: str, trigger: Any, name: str = "soon", **more: Any) -> Any:
    """A schedule of it."""
    body = {
        "name": name,
        "pipeline": published,
        "trigger": trigger,
        "submission": {"experiment": "scheduled"},
    }
    return client.call("POST", "/schedules", {**body, **more})


def minutely(start: datetime | None = None) -> dict[str, Any]:
    """Every minute, at once or from a start."""
    start_time = start.strftime("%Y-%m-%dT%H:%M:%S") if start else None
    return {"kind": "recurrence", "frequency": "Minute", "interval": 1, "start_time": start_time}


def ledger(client: Client, schedule: str) -> list[Any]:
    """What became of each of its times."""
    lines = client.get(f"/schedules/{schedule}/ledger", limit=1000)["lines"]
    return list(reversed(lines))


def settled(client: Client, schedule: str, count: int = 1) -> list[Any]:
    """The ledger, once so many times have come and none is being started."""

    def done(lines: list[Any]) -> bool:
        return len(lines) >= count and all(line["outcome"] in ENDED for line in lines)

    return until(lambda: ledger(client, schedule), done, "the times have their fates", 60)


def test_a_schedule_fires_and_its_run_says_so(project: Project, client: Client) -> None:
    schedule = create(client, publish(client), minutely())
    (line,) = settled(client, schedule["id"])
    assert line["outcome"] == "fired"
    run = client.wait(line["run"])
    assert run["status"] == "Completed"
    assert run["properties"]["azureml.scheduleid"] == schedule["id"]
    assert run["properties"]["stepwell.logicaltime"] == line["at"]
    assert [each["id"] for each in client.get(f"/schedules/{schedule['id']}/runs")["runs"]] == [
        run["id"]
    ]
    workspace = client.get("/workspace")
    assert workspace["enabled_schedules"] == 1
    # It may find something else wrong on this machine.
    printed = project.start("doctor").communicate(timeout=60)[0]
    assert "1 enabled schedules keep it from stopping" in printed


def test_each_time_fires_once_however_often_the_server_is_killed(
    project: Project, client: Client
) -> None:
    chance = random.Random(7)
    published = publish(client)
    begin = datetime.now(timezone.utc) + timedelta(seconds=4)
    starts = [begin + timedelta(seconds=index % 6) for index in range(SCHEDULES)]
    made = [create(client, published, minutely(start))["id"] for start in starts]
    last = starts[-1] + timedelta(seconds=2)
    while datetime.now(timezone.utc) < last:
        # The answer says that a server is up; the kill comes while it fires.
        client.get("/workspace")
        for _ in range(chance.randrange(12)):
            client.get("/schedules", limit=1)
        project.kill_server()
    runs = []
    for schedule, start in zip(made, starts):
        first = settled(client, schedule)[0]
        assert first["outcome"] == "fired", first
        assert first["at"][:19] == start.strftime("%Y-%m-%dT%H:%M:%S")
        runs.append(first["run"])
    listed = client.get("/runs", experiment="scheduled", limit=1000)["runs"]
    fired = [
        (run["properties"]["azureml.scheduleid"], run["properties"]["stepwell.logicaltime"])
        for run in listed
    ]
    assert len(fired) == len(set(fired)), "a time has fired twice"
    assert len(set(runs)) == SCHEDULES
    assert set(runs) <= {run["id"] for run in listed}
    for run in runs:
        assert client.wait(run, 60)["status"] == "Completed"
    project.check_database()


def test_a_changed_file_starts_a_run_that_is_given_its_path(
    project: Project, client: Client
) -> None:
    folder = project.data / "data" / "workspaceblobstore" / "inbox"
    folder.mkdir(parents=True)
    (folder / "old.csv").write_text("old")
    body = pipeline(shell("tell", "echo fired"))
    body["declared"] = {
        "where": {"type": "data_path", "default": {"datastore": "workspaceblobstore", "path": "x"}}
    }
    published = client.call("POST", "/published", {"name": "watch", "pipeline": body})["id"]
    trigger = {
        "kind": "data",
        "datastore": "workspaceblobstore",
        "path": "inbox",
        "polling_interval": 1,
        "data_path_parameter": "where",
    }
    schedule = create(client, published, trigger, "inbox")["id"]
    (folder / "deep").mkdir()
    (folder / "deep" / "new.csv").write_text("new")
    # A new server looks at once, and again when the file has had the time to settle.
    project.kill_server()
    (line,) = settled(client, schedule)
    assert (line["outcome"], line["path"]) == ("fired", "inbox/deep/new.csv")
    assert client.wait(line["run"])["status"] == "Completed"
    project.kill_server()
    assert len(settled(client, schedule)) == 1


def test_the_command_tells_what_comes_and_what_came(project: Project, client: Client) -> None:
    trigger = {"kind": "cron", "expression": "30 2 * * *", "time_zone": "Europe/Berlin"}
    create(client, publish(client), trigger, "nightly", overlap="queue")
    assert "30 2 * * * (Europe/Berlin)" in project.stepwell("schedule", "list")
    shown = project.stepwell("schedule", "show", "nightly")
    assert "queue" in shown and "enabled" in shown
    preview = json.loads(
        project.stepwell("schedule", "preview", "nightly", "--count", "400", "--json")
    )
    clock = [time["clock"] for time in preview["times"]]
    assert clock.count("gap") == 1 and clock.count("first") == 1, "a year has both"
    printed = project.stepwell("schedule", "preview", "nightly", "--count", "400")
    assert "the clock skips" in printed and "shows this time twice" in printed
    assert "disabled" in project.stepwell("schedule", "disable", "nightly")
    assert json.loads(project.stepwell("schedule", "list", "--enabled", "--json")) == []
    assert "enabled" in project.stepwell("schedule", "enable", "nightly")
    assert project.stepwell("schedule", "ledger", "nightly") == ""
    missing = project.stepwell("schedule", "show", "weekly", code=3)
    assert "there is no schedule `weekly`" in missing


def test_what_cannot_be_a_schedule_is_refused(client: Client) -> None:
    published = publish(client)
    wrong = [
        ({"kind": "cron", "expression": "61 * * * *"}, "minute"),
        ({"kind": "cron", "expression": "0 0 30 2 *"}, "never comes"),
        ({"kind": "cron", "expression": "@daily", "time_zone": "Mars/Base"}, "no time zone"),
        ({**minutely(), "interval": 0}, "interval"),
        ({**minutely(), "hours": [1]}, "`hours`"),
        ({"kind": "data", "datastore": "nowhere"}, "nowhere"),
        ({"kind": "data", "datastore": "workspaceblobstore", "path": "../.."}, "path"),
    ]
    for trigger, expected in wrong:
        body = {
            "name": "x",
            "pipeline": published,
            "trigger": trigger,
            "submission": {"experiment": "e"},
        }
        answer = client.request("POST", "/schedules", body)
        assert answer.status == 400 and expected in answer.error["message"], answer.body
    body = {
        "name": "x",
        "pipeline": "00000000-0000-0000-0000-000000000001",
        "trigger": minutely(),
        "submission": {"experiment": "e"},
    }
    assert client.request("POST", "/schedules", body).status == 404
    body["pipeline"] = published
    body["submission"] = {"experiment": "e", "parameters": {"rate": 1}}
    answer = client.request("POST", "/schedules", body)
    assert answer.status == 400 and "no parameter `rate`" in answer.error["message"]


AZURE = (
    "/pipelines/v1.0/subscriptions/s/resourceGroups/g/providers/"
    "Microsoft.MachineLearningServices/workspaces/w"
)


def test_the_original_services_words(client: Client) -> None:
    published = publish(client)
    body = {
        "Name": "monthly",
        "PipelineId": published,
        "PipelineSubmissionInfo": {"ExperimentName": "scheduled", "Description": "d"},
        "Recurrence": {"Frequency": "Month", "Interval": 1, "Schedule": {}},
        "ScheduleType": "0",
    }
    made = client.call("POST", "/Schedules/Create", body, prefix=AZURE)
    assert (made["Name"], made["EntityStatus"], made["ProvisioningStatus"]) == ("monthly", "0", "0")
    assert made["Recurrence"]["Frequency"] == "Month"
    schedule = made["Id"]
    (line,) = settled(client, schedule)
    last = client.call("GET", f"/PipelineRuns/Schedule/{schedule}/Last", prefix=AZURE)
    assert (last["Id"], last["ScheduleId"]) == (line["run"], schedule)
    runs = client.call("GET", f"/PipelineRuns/Schedule/{schedule}", prefix=AZURE)
    assert [run["Id"] for run in runs] == [line["run"]]
    changed = {**made, "EntityStatus": "2"}
    put = client.call("PUT", f"/Schedules/{schedule}", changed, prefix=AZURE)
    assert (put["EntityStatus"], put["Recurrence"]) == ("2", made["Recurrence"])
    active = client.call("GET", "/Schedules", query={"activeOnly": "true"}, prefix=AZURE)
    assert active == []
    of_pipeline = client.call("GET", f"/Schedules/Pipeline/{published}", prefix=AZURE)
    assert [each["Id"] for each in of_pipeline] == [schedule]
    assert client.call("GET", f"/Schedules/{schedule}", prefix=AZURE)["EntityStatus"] == "2"
    week = {
        "Frequency": "1",
        "Interval": 1,
        "Schedule": {"Hours": [9], "WeekDays": ["0", "friday"]},
    }
    made = client.call("POST", "/Schedules/Create", {**body, "Recurrence": week}, prefix=AZURE)
    assert made["Recurrence"]["Schedule"]["WeekDays"] == ["Monday", "Friday"]
    nothing = f"/PipelineRuns/Schedule/{made['Id']}/Last"
    assert client.request("GET", nothing, prefix=AZURE).status == 204
    wrong = {**body, "Recurrence": {"Frequency": "Year", "Interval": 1}}
    answer = client.request("POST", "/Schedules/Create", wrong, prefix=AZURE)
    assert answer.status == 400 and "Year" in answer.json()["Error"]["Message"]
