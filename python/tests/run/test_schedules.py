"""Schedules with the real server, as v1's programs make, change and follow them."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from programs import pipeline, step

from azureml.core import Datastore, Workspace
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import (
    PipelineEndpoint,
    PipelineParameter,
    PublishedPipeline,
    Schedule,
    ScheduleRecurrence,
    TimeZone,
)
from stepwell import schedules

SAYS = "import sys; print(sys.argv)"
NEXT_YEAR = datetime(datetime.now().year + 1, 1, 1, 9, 30)


class Made:
    """A published pipeline and what is scheduled of it; disabled again at the end."""

    def __init__(self, project: Path) -> None:
        self.workspace = Workspace.from_config()
        rate = PipelineParameter("rate", 1)
        place = DataPath(Datastore.get_default(self.workspace), "x")
        where = (PipelineParameter("where", place), DataPathComputeBinding())
        says = step(project, "says", SAYS, arguments=[rate, where], inputs=[where])
        self.published: PublishedPipeline = pipeline(project, says).publish("says")

    def schedule(self, name: str = "s", **arguments: Any) -> Schedule:
        return Schedule.create(self.workspace, name, self.published.id, "scheduled", **arguments)


@pytest.fixture
def made(project: Path) -> Iterator[Made]:
    made = Made(project)
    yield made
    for each in Schedule.list(made.workspace):
        each.disable()


def until_it_has_run(schedule: Schedule) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        run = schedule.get_last_pipeline_run()
        if run is not None:
            return run
        schedules.preview(schedule, 1)
    raise AssertionError(f"it has not fired: {list(schedules.ledger(schedule))}")


def test_a_schedule_starts_its_pipeline_with_its_parameters(made: Made) -> None:
    recurrence = ScheduleRecurrence("Month", 1)
    schedule = made.schedule(
        recurrence=recurrence, pipeline_parameters={"rate": 7}, wait_for_provisioning=True
    )
    run = until_it_has_run(schedule)
    run.wait_for_completion(show_output=False)
    assert run.get_status() == "Finished"
    assert run.experiment.name == "scheduled"
    assert run.properties["azureml.scheduleid"] == schedule.id
    assert run.properties["runType"] == "Schedule"
    assert run.properties["azureml.parameters"] == '{"rate":"7"}'
    assert [each.id for each in schedule.get_pipeline_runs()] == [run.id]
    (line,) = schedules.ledger(schedule)
    assert (line["outcome"], line["run"]) == ("fired", run.id)


def test_what_was_made_is_found_and_changed(made: Made) -> None:
    recurrence = ScheduleRecurrence(
        "Week",
        2,
        start_time=NEXT_YEAR,
        time_zone=TimeZone.WEuropeStandardTime,
        week_days=["Monday", "Friday"],
        time_of_day="18:05",
    )
    schedule = made.schedule("weekly", recurrence=recurrence, description="d")
    found = Schedule.get(made.workspace, schedule.id)
    assert (found.name, found.description, found.status) == ("weekly", "d", "Active")
    assert (found.pipeline_id, found.pipeline_endpoint_id) == (made.published.id, None)
    again = found.recurrence
    assert vars(again) == vars(recurrence)
    assert ids(Schedule.list(made.workspace)) == [schedule.id]
    assert ids(Schedule.get_all(made.workspace, pipeline_id=made.published.id)) == [schedule.id]
    found.disable()
    assert (found.status, ids(Schedule.list(made.workspace))) == ("Disabled", [])
    own = Schedule.get_schedules_for_pipeline_id(made.workspace, made.published.id)
    assert ids(own) == [schedule.id]
    found.update(name="w", recurrence=schedules.Cron("@daily", time_zone="Asia/Kolkata"))
    found.enable()
    assert (found.name, found.status, found.description) == ("w", "Active", "d")
    assert found.recurrence.expression == "@daily"
    found.update(status="Disabled", pipeline_parameters={"rate": 2})
    assert found.status == "Disabled"
    assert "Pipeline schedule(Name: w" in str(found)


def ids(found: List[Schedule]) -> List[str]:
    return [each.id for each in found]


def test_a_schedule_of_an_endpoint(made: Made) -> None:
    endpoint = PipelineEndpoint.publish(
        made.workspace, "e-" + made.published.id, "d", made.published
    )
    schedule = Schedule.create_for_pipeline_endpoint(
        made.workspace, "s", endpoint.id, "scheduled", recurrence=ScheduleRecurrence("Month", 1)
    )
    assert (schedule.pipeline_id, schedule.pipeline_endpoint_id) == (None, endpoint.id)
    own = Schedule.get_schedules_for_pipeline_endpoint_id(made.workspace, endpoint.id)
    assert ids(own) == [schedule.id]
    assert until_it_has_run(schedule).id


def test_a_schedule_that_watches_a_datastore(made: Made) -> None:
    store = Datastore.get_default(made.workspace)
    schedule = made.schedule(
        datastore=store,
        path_on_datastore="inbox",
        data_path_parameter_name="where",
        polling_interval=7,
    )
    found = Schedule.get(made.workspace, schedule.id)
    assert (found.datastore_name, found.path_on_datastore) == (store.name, "inbox")
    assert (found.polling_interval, found.data_path_parameter_name) == (7, "where")
    assert found.recurrence is None
    found.update(polling_interval=9)
    assert (found.polling_interval, found.path_on_datastore) == (9, "inbox")


def test_policies_and_previews(made: Made) -> None:
    cron = schedules.Cron("30 2 * * *", time_zone=TimeZone.RomanceStandardTime)
    schedule = made.schedule(recurrence=cron)
    assert schedules.get_policy(schedule) == {"catch_up": "last", "overlap": "allow"}
    schedules.set_policy(schedule, overlap="queue")
    assert schedules.get_policy(schedule) == {"catch_up": "last", "overlap": "queue"}
    times = schedules.preview(schedule, 366)
    assert [time["clock"] for time in times].count("gap") == 1
    with pytest.raises(ValueError, match="catch_up"):
        schedules.set_policy(schedule, catch_up="never")
    schedules.delete(schedule)
    with pytest.raises(UserErrorException, match="there is no schedule"):
        Schedule.get(made.workspace, schedule.id)


def test_the_server_knows_every_time_zone_of_v1(made: Made) -> None:
    assert len(TimeZone) == 131
    for zone in TimeZone:
        recurrence = ScheduleRecurrence("Day", 1, start_time=NEXT_YEAR, time_zone=zone)
        body = {"trigger": recurrence._trigger(), "count": 1}
        preview = made.workspace._client.post("/schedules/preview", body)
        assert preview["time_zone"] == zone.value
        assert preview["times"][0]["local"][15:20] == "09:30"


def test_what_does_not_fit_is_refused(made: Made) -> None:
    recurrence = ScheduleRecurrence("Day", 1)
    with pytest.raises(ValueError, match="either a recurrence"):
        made.schedule(recurrence=recurrence, data_path_parameter_name="where")
    with pytest.raises(ValueError, match="needs a recurrence"):
        made.schedule()
    with pytest.raises(ValueError, match="hours"):
        made.schedule(recurrence=ScheduleRecurrence("Hour", 1, hours=[2]))
    with pytest.raises(UserErrorException, match="no parameter `depth`"):
        made.schedule(recurrence=recurrence, pipeline_parameters={"depth": 1})
    with pytest.raises(UserErrorException, match="not a data path"):
        made.schedule(datastore="workspaceblobstore", data_path_parameter_name="rate")
    with pytest.raises(UserErrorException, match="no time zone"):
        made.schedule(recurrence=schedules.Cron("@daily", time_zone="Mars/Base"))


def test_a_schedule_written_as_yaml(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "schedule.yml"
    file.write_text(
        "Schedule:\n"
        "  description: nightly\n"
        "  recurrence:\n"
        "    frequency: Week\n"
        "    interval: 1\n"
        "    time_zone: EasternStandardTime\n"
        "    week_days: [Monday]\n"
        '    time_of_day: "9:00"\n'
        "  pipeline_parameters: {rate: 3}\n"
    )
    arguments = Schedule.load_yaml(made.workspace, str(file))
    assert arguments["recurrence"].time_zone is TimeZone.EasternStandardTime
    schedule = made.schedule("from a file", **arguments)
    assert (schedule.description, schedule.recurrence.hours) == ("nightly", [9])
    file.write_text("Schedule:\n  recurence: {}\n")
    with pytest.raises(ValueError, match="recurence"):
        Schedule.load_yaml(made.workspace, str(file))


def test_a_parameter_that_is_an_expression_is_warned_of(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    recurrence = ScheduleRecurrence("Day", 1, start_time=NEXT_YEAR)
    schedule = made.schedule(recurrence=recurrence, pipeline_parameters={"rate": "@anna"})
    assert "expression" not in capsys.readouterr().err
    schedule.update(pipeline_parameters={"rate": "@formatDateTime(utcNow(),'yyyy-MM-dd')"})
    assert "not resolved yet" in capsys.readouterr().err
