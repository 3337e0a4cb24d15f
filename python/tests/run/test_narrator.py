"""What a wait for a pipeline prints."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from azureml.pipeline.core._run_output import Narrator
from stepwell._follow import Change, Line


class _Client:
    url = "http://h"

    def ticket(self) -> str:
        return "t"

    def get(self, path: str) -> Dict[str, Any]:
        return {"display_name": {"/runs/1": "prepare", "/runs/2": "train"}[path]}


def test_parallel_lines_carry_names_and_others_stand_under_their_heading(
    capsys: pytest.CaptureFixture[str],
) -> None:
    narrator = Narrator(_Client(), "p")  # type: ignore[arg-type]
    narrator.begin()
    for news in (
        Change("p", "NotStarted", None),
        Change("1", "Preparing", None),
        Change("1", "Running", None),
        Line("1", "alone"),
        Change("2", "Running", None),
        Line("1", "one of two"),
        Line("2", "two of two"),
        Change("1", "Failed", "the script exited with status 1"),
        Line("2", "last"),
        Change("2", "Completed", None),
        Change("p", "Failed", None),
    ):
        narrator.tell(news)
    narrator.end("Failed", {"runId": "p"})
    assert (
        capsys.readouterr().out
        == """\
PipelineRunId: p
Link to Stepwell: http://h/runs/p?ticket=t
PipelineRun Status: Running

StepRunId: 1
StepRun( prepare ) Status: Preparing its environment
StepRun( prepare ) Status: Running
alone

StepRunId: 2
StepRun( train ) Status: Running
[prepare] one of two
[train] two of two
StepRun( prepare ) Status: Failed (the script exited with status 1)
[train] last
StepRun( train ) Status: Finished


PipelineRun Execution Summary
==============================
PipelineRun Status: Failed
{'runId': 'p'}

"""
    )
