"""Schedules that watch datastores, of every kind."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable, List

import peers
from servers import kill_server

from azureml.core import Workspace
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import Pipeline, PipelineParameter, PublishedPipeline, Schedule
from azureml.pipeline.steps import PythonScriptStep
from stepwell import schedules


def published(workspace: Workspace, project: Path, store: Any) -> PublishedPipeline:
    """A pipeline that prints the file it is given."""
    folder = project / "src"
    folder.mkdir(exist_ok=True)
    (folder / "says.py").write_text("import sys; print(open(sys.argv[1]).read())")
    where = PipelineParameter("where", DataPath(store, "inbox"))
    given = (where, DataPathComputeBinding())
    step = PythonScriptStep(
        "says.py",
        name="says",
        source_directory=str(folder),
        arguments=[given],
        inputs=[given],
    )
    return Pipeline(workspace, [step]).publish("watch")


def lines_when_settled(schedule: Schedule) -> List[Any]:
    """The ledger, once something has come of what changed."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        lines = list(schedules.ledger(schedule))
        if any(line["outcome"] == "fired" for line in lines):
            return lines
        time.sleep(0.2)
    raise AssertionError(f"nothing has fired: {list(schedules.ledger(schedule))}")


def test_a_new_file_on_each_kind_of_datastore_starts_a_run_that_reads_it(
    workspace: Workspace, project: Path, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    made = []
    (tmp_path / "new").mkdir()
    for kind in peers.KINDS:
        store = make_store(kind)
        (tmp_path / "old.csv").write_text("old")
        store.upload_files([str(tmp_path / "old.csv")], target_path="inbox", show_progress=False)
        pipeline = published(workspace, project, store)
        schedule = Schedule.create(
            workspace,
            kind,
            pipeline.id,
            "watched",
            datastore=store,
            path_on_datastore="inbox",
            polling_interval=1,
            data_path_parameter_name="where",
        )
        (tmp_path / "new" / "new.csv").write_text("new on " + kind)
        store.upload(str(tmp_path / "new"), target_path="inbox/deep", show_progress=False)
        made.append((kind, schedule))
    # A new server looks at once, and again when the files have had the time to settle.
    kill_server(project)
    for kind, schedule in made:
        (line,) = lines_when_settled(schedule)
        assert line["path"] == "inbox/deep/new.csv"
        run = schedule.get_last_pipeline_run()
        run.wait_for_completion(show_output=False)
        (step,) = run.get_steps()
        assert "new on " + kind in step.get_stdout_log()
        schedule.disable()
