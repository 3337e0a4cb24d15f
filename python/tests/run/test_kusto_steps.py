"""KQL queries over tables of a datastore, on the real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from azureml.core import Experiment, Workspace
from azureml.exceptions import ActivityFailedException
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import KustoStep

QUERY = """
declare query_parameters(least:long = 0);
storms
| join kind=inner (states) on state
| where deaths >= least
| summarize total = sum(deaths), count() by name
| order by total desc
"""


def step(project: Path, query: str, **keywords: Any) -> KustoStep:
    folder = project / "query"
    folder.mkdir()
    (folder / "query.kql").write_text(query)
    return KustoStep(
        name="storms",
        compute_target="kusto",
        database_name=project.name,
        query_directory=str(folder),
        output=PipelineData("result"),
        **keywords,
    )


def tables(project: Path) -> None:
    folder = project / "tables"
    folder.mkdir()
    (folder / "storms.csv").write_text("state,deaths\nTX,3\nTX,1\nKS,5\nFL,0\n")
    (folder / "states.jsonl").write_text(
        '{"state": "TX", "name": "Texas"}\n{"state": "KS", "name": "Kansas"}\n'
        '{"state": "FL", "name": "Florida"}\n'
    )
    store = Workspace.from_config().get_default_datastore()
    store.upload(str(folder), target_path=project.name)


def test_a_query_joins_tables_and_its_result_is_a_file(project: Path) -> None:
    tables(project)
    workspace = Workspace.from_config()
    made = step(project, QUERY, parameter_dict={"least": 1})
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [made]))
    assert run.wait_for_completion() == "Finished"
    (done,) = run.get_steps()
    done.get_output_data("result").download(str(project / "down"))
    (file,) = [path for path in (project / "down").rglob("*") if path.is_file()]
    found = pd.read_csv(file)
    assert found.values.tolist() == [["Kansas", 5, 1], ["Texas", 4, 2]]


def test_an_operator_that_is_not_there_is_named(project: Path) -> None:
    tables(project)
    workspace = Workspace.from_config()
    made = step(project, "storms | evaluate bag_unpack(state)")
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [made]))
    with pytest.raises(ActivityFailedException):
        run.wait_for_completion()
    (done,) = run.get_steps()
    log = done.get_stdout_log()
    assert "the query cannot run here" in log and "evaluate" in log
    assert "the tables are states, storms" in log


def test_a_folder_with_two_files_is_no_query(project: Path) -> None:
    made = step(project, "storms")
    (project / "query" / "other.kql").write_text("states")
    with pytest.raises(ValueError, match="exactly one file"):
        Pipeline(Workspace.from_config(), [made]).validate()
