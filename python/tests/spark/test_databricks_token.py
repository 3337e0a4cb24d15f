"""The token that a program attaches a Databricks workspace with: sealed, read by its steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, List

import pytest
from fake_databricks import TOKEN
from fake_databricks import Workspace as Databricks

from azureml.core import Experiment, Workspace
from azureml.core.compute import ComputeTarget, DatabricksCompute
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import DatabricksStep
from stepwell import spark


@pytest.fixture
def databricks() -> Iterator[Databricks]:
    workspace = Databricks()
    yield workspace
    workspace.close()


def attached(workspace: Workspace, databricks: Databricks, name: str, token: str) -> ComputeTarget:
    """The target of a program, which its owner has told where the workspace is."""
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
