"""Executables as tasks of Azure Batch had them, on the real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import programs
import pytest

from azureml.core import Experiment, Workspace
from azureml.exceptions import ActivityFailedException
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import AzureBatchStep


def step(project: Path, script: str, **keywords: Any) -> AzureBatchStep:
    programs.write(project, "work.sh", "#!/bin/sh\n" + script)
    return AzureBatchStep(
        "batch",
        executable="work.sh",
        source_directory=str(project / "src"),
        compute_target="batch-account",
        **keywords,
    )


def submit(project: Path, *steps: Any) -> Any:
    workspace = Workspace.from_config()
    return Experiment(workspace, project.name).submit(Pipeline(workspace, list(steps)))


def test_an_executable_copies_an_input_to_an_output(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letters, copied = PipelineData("letters"), PipelineData("copied")
    make = programs.step(
        project,
        "make",
        "import sys; open(sys.argv[1], 'w').write('abc')",
        arguments=[letters],
        outputs=[letters],
    )
    batch = step(
        project,
        'test -n "$AZ_BATCH_TASK_WORKING_DIR" && cp "$1" "$2/copy.txt" && echo "$1"',
        arguments=[letters, copied],
        inputs=[letters],
        outputs=[copied],
        pool_id="pool",
    )
    read = programs.step(
        project,
        "read",
        "import os, sys; assert open(os.path.join(sys.argv[1], 'copy.txt')).read() == 'abc'",
        arguments=[copied],
        inputs=[copied],
    )
    run = submit(project, make, batch, read)
    assert run.wait_for_completion() == "Finished"
    assert "pool_id have no effect" in capsys.readouterr().out
    assert "letters/letters" in run.find_step_run("batch")[0].get_stdout_log()


def test_an_exit_code_is_a_failure_unless_it_is_not(project: Path) -> None:
    ignored = step(project, "exit 3", is_positive_exit_code_failure=False)
    assert submit(project, ignored).wait_for_completion() == "Finished"
    with pytest.raises(ActivityFailedException):
        submit(project, step(project, "exit 3")).wait_for_completion()


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"executable": None}, ValueError),
        ({"executable": "azurebatch.cmd"}, ValueError),
        ({"compute_target": None}, ValueError),
        ({"vm_image_urn": "a:b:c:d"}, TypeError),
    ],
)
def test_what_cannot_run_is_refused(keywords: Any, error: Any) -> None:
    with pytest.raises(error):
        AzureBatchStep("batch", **{"executable": "a", "compute_target": "c", **keywords})
