"""Steps in a Databricks workspace by the real server: their data, and a token that is sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, List

import pytest
from fake_databricks import TOKEN
from fake_databricks import Workspace as Databricks

from azureml.core import Experiment, Workspace
from azureml.core.compute import ComputeTarget, DatabricksCompute
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import DatabricksStep, PythonScriptStep
from stepwell import spark


@pytest.fixture
def databricks() -> Iterator[Databricks]:
    workspace = Databricks()
    yield workspace
    workspace.close()


def attached(workspace: Workspace, databricks: Databricks, name: str, token: str) -> ComputeTarget:
    """The target of a program, whose owner has said where the workspace is."""
    configuration = DatabricksCompute.attach_configuration(
        resource_group="rg", workspace_name="w", access_token=token
    )
    target = ComputeTarget.attach(workspace, name, configuration)
    spark.configure(workspace, name, workspace_url=databricks.url, poll_seconds=0.05)
    return target


def run_on(workspace: Workspace, target: str) -> Any:
    step = DatabricksStep(
        name="nb",
        notebook_path="/Users/me/nb",
        existing_cluster_id="0923-164208-meows279",
        compute_target=target,
        allow_reuse=False,
    )
    return Experiment(workspace, "token").submit(Pipeline(workspace, [step]))


def said_of(run: Any) -> str:
    """What the step's run tells of its end, with its log."""
    (nb,) = run.find_step_run("nb")
    return str(nb.get_details()) + str(nb.get_job_log())


def holding(folder: Path, text: bytes) -> List[Path]:
    """The files below a folder in which a text stands."""
    return [each for each in folder.rglob("*") if each.is_file() and text in each.read_bytes()]


def test_the_token_of_an_attached_workspace_is_sealed_and_read_by_the_steps_on_it(
    project: Path, served: Path, databricks: Databricks
) -> None:
    workspace = Workspace.from_config()
    databricks.output = {"notebook_output": {"result": "5"}}
    target = attached(workspace, databricks, "dbc.main", TOKEN)
    assert target.get_credentials()["databricksAccessToken"] == TOKEN
    assert "databricks-token-dbc-main" in str(workspace.get_default_keyvault().list_secrets())
    run = run_on(workspace, "dbc.main")
    status = run.wait_for_completion(show_output=False, raise_on_error=False)
    assert status == "Finished", said_of(run)
    assert len(databricks.runs) == 1, "the workspace has accepted the token"

    expired = attached(workspace, databricks, "old", "dapi-expired-0123456789")
    failed = run_on(workspace, "old")
    failed.wait_for_completion(show_output=False, raise_on_error=False)
    said = said_of(failed)
    assert "does not accept the token in the secret `databricks-token-old`" in said
    assert "dapi-expired" not in said
    for token in (TOKEN.encode(), b"dapi-expired"):
        assert holding(served, token) == []
        assert holding(project, token) == []

    expired.detach()
    assert "databricks-token-old" not in str(workspace.get_default_keyvault().list_secrets())
    ComputeTarget(workspace, "dbc.main").delete()
    assert "databricks-token" not in str(workspace.get_default_keyvault().list_secrets())


MAKE = "import os, sys; os.makedirs(sys.argv[1]); open(sys.argv[1] + '/a.txt', 'w').write('5')"
USE = "import sys; print('came back:', open(sys.argv[1] + '/part-0').read())"


def test_data_of_a_pipeline_goes_through_a_script_in_a_workspace(
    project: Path, databricks: Databricks
) -> None:
    source = project / "src"
    source.mkdir()
    for name, text in (("make", MAKE), ("job", "print('there')"), ("use", USE)):
        (source / (name + ".py")).write_text(text)
    workspace = Workspace.from_config()
    attached(workspace, databricks, "jobs", TOKEN)
    databricks.writes = {"{run}/scaled/part-0": b"ten"}
    numbers, scaled = PipelineData("numbers"), PipelineData("scaled")
    steps = [
        PythonScriptStep(
            "make.py",
            arguments=[numbers],
            outputs=[numbers],
            source_directory="src",
            compute_target="cpu",
        ),
        DatabricksStep(
            name="nb",
            python_script_name="job.py",
            source_directory="src",
            python_script_params=["--by", "2"],
            inputs=[numbers],
            outputs=[scaled],
            existing_cluster_id="0923-164208-meows279",
            compute_target="jobs",
        ),
        PythonScriptStep(
            "use.py",
            arguments=[scaled],
            inputs=[scaled],
            source_directory="src",
            compute_target="cpu",
        ),
    ]
    run = Experiment(workspace, "jobs").submit(Pipeline(workspace, steps))
    status = run.wait_for_completion(show_output=False, raise_on_error=False)
    assert status == "Finished", said_of(run)
    (use,) = run.find_step_run("use.py")
    assert "came back: ten" in use.get_job_log()
    sent = {path.rpartition("/")[2]: data for path, data in databricks.sent.items()}
    assert sent["a.txt"] == b"5" and sent["job.py"] == b"print('there')"
    (body,) = databricks.bodies("runs/submit")
    parameters = body["tasks"][0]["spark_python_task"]["parameters"]
    assert parameters[:2] == ["--by", "2"] and "-numbers" in parameters
    assert not databricks.files, "what was copied to DBFS is removed"
    ComputeTarget(workspace, "jobs").delete()
