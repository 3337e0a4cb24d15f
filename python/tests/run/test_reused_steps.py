"""Steps that are reused: what programs do with the run of one works as with any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import programs
import pytest

from azureml.exceptions import UserErrorException
from azureml.pipeline.core import PipelineRun, StepRun

TRAIN = """
import os
from azureml.core import Run
os.makedirs("outputs/net")
open("outputs/net/w.bin", "w").write("w")
open("outputs/model.pkl", "w").write("m")
run = Run.get_context()
run.log("accuracy", 0.9)
run.tag("made", "by the script")
run.child_run("fold").complete()
"""


def trained(project: Path, text: str = TRAIN, **options: Any) -> StepRun:
    step = programs.step(project, "train", text, allow_reuse=True)
    run: PipelineRun = programs.pipeline(project, step).submit(project.name, **options)
    assert run.wait_for_completion(show_output=False) == "Finished"
    (only,) = run.get_steps()
    return only


def is_reused(step: StepRun) -> bool:
    return step.get_properties().get("azureml.isreused") == "true"


def test_a_reused_step_is_read_like_the_run_that_made_its_outputs(project: Path) -> None:
    first, second = trained(project), trained(project)
    assert (is_reused(first), is_reused(second)) == (False, True)
    assert second.get_file_names() == first.get_file_names()
    assert second.register_model("reused", "outputs/model.pkl").run_id == second.id
    assert second.register_model("reused-folder", "outputs/net").version == 1
    second.download_file("outputs/model.pkl", str(project / "got"))
    assert (project / "got").read_text() == "m"
    assert second.get_metrics() == {"accuracy": 0.9}
    assert second.get_tags() == {"made": "by the script"}
    assert [child.name for child in second.get_children()] == ["fold"]


def test_what_is_written_to_a_reused_step_stays_with_it(project: Path) -> None:
    first, second = trained(project), trained(project)
    (project / "report.txt").write_text("r")
    second.upload_file("report.txt", str(project / "report.txt"))
    second.log("checked", 1)
    second.flush()
    second.tag("checked", "yes")
    assert "report.txt" in second.get_file_names() and "report.txt" not in first.get_file_names()
    assert second.get_metrics() == {"accuracy": 0.9, "checked": 1}
    assert first.get_metrics() == {"accuracy": 0.9}
    assert second.get_tags() == {"made": "by the script", "checked": "yes"}
    with pytest.raises(UserErrorException, match="has a file `outputs/model.pkl` already"):
        second.upload_file("outputs/model.pkl", str(project / "report.txt"))


def test_a_run_whose_steps_were_all_reused_has_a_start_and_a_submitter(project: Path) -> None:
    trained(project)
    details = trained(project).parent.get_details()
    assert details["startTimeUtc"] and details["submittedBy"]


def test_a_step_that_writes_to_its_pipeline_run_is_not_reused(project: Path) -> None:
    text = "from azureml.core import Run\nRun.get_context().parent.log('accuracy', 0.9)\n"
    first, second = trained(project, text), trained(project, text)
    assert second.parent.get_metrics() == {"accuracy": 0.9}
    assert not is_reused(second)
    assert f"it writes to run {first.parent.id}" in first.why()[-1]


def test_what_was_told_to_reuse_nothing_is_reused_later(project: Path) -> None:
    first, again = trained(project), trained(project, regenerate_outputs=True)
    last = trained(project)
    assert (is_reused(again), is_reused(last)) == (False, True)
    assert last.get_properties()["azureml.reusedrunid"] == again.id != first.id
