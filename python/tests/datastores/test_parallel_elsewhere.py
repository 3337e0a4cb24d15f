"""Parallel steps over tables and files of other machines, with the rows written there as well."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from azureml.core import Dataset, Environment, Experiment, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep

pytest.importorskip("pandas")

ROWS = 300

SCORE = """
def init():
    pass

def run(mini_batch):
    if hasattr(mini_batch, "columns"):
        return ["{} {}".format(n, team) for n, team in zip(mini_batch.n, mini_batch.team)]
    return [open(path).readline().strip() for path in mini_batch]
"""

COUNT = """
def init():
    pass

def run(mini_batch):
    return ["{} {}".format(*mini_batch.team.unique(), len(mini_batch))]
"""


@pytest.fixture
def rows(make_store: Callable[[str], Any], tmp_path: Path) -> Any:
    """Three files of a hundred rows each, of four teams, on a datastore elsewhere.

    That the other kinds are alike is shown by what they are asked to do in other tests.
    """
    remote = make_store("blob")
    for first in range(0, ROWS, 100):
        lines = [f"{n},team{n % 4}" for n in range(first, first + 100)]
        path = tmp_path / "rows" / f"{first}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["n,team", *lines]) + "\n")
    remote.upload(str(tmp_path / "rows"), "rows", show_progress=False)
    return remote


def scored(
    workspace: Workspace, project: Path, store: Any, source: Any, script: str, **options: Any
) -> List[str]:
    """The rows that a parallel step leaves on the datastore."""
    folder = project / "src"
    folder.mkdir()
    (folder / "score.py").write_text(textwrap.dedent(script))
    environment = Environment("here")
    environment.python.user_managed_dependencies = True
    settings: Dict[str, Any] = {
        "environment": environment,
        "source_directory": str(folder),
        "entry_script": "score.py",
        "error_threshold": 0,
        "output_action": "append_row",
        "append_row_file_name": "rows.txt",
        "compute_target": "cpu-cluster",
        "node_count": 1,
        "process_count_per_node": 2,
    }
    config = ParallelRunConfig(**{**settings, **options})
    output = OutputFileDatasetConfig("scores", destination=(store, "scores/{run-id}"))
    step = ParallelRunStep(
        "score", parallel_run_config=config, inputs=[source], output=output, allow_reuse=False
    )
    run = Experiment(workspace, "elsewhere").submit(Pipeline(workspace, steps=[step]))
    run.wait_for_completion(show_output=False)
    store.download(str(project / "out"), "scores", show_progress=False)
    (found,) = (project / "out").rglob("rows.txt")
    return found.read_text().splitlines()


def test_a_table_is_cut_by_bytes(workspace: Workspace, project: Path, rows: Any) -> None:
    table = Dataset.Tabular.from_delimited_files((rows, "rows/*.csv")).as_named_input("table")
    found = scored(workspace, project, rows, table, SCORE, mini_batch_size="1KB")
    expected = [f"{n} team{n % 4}" for n in range(ROWS)]
    assert sorted(found) == sorted(expected)


def test_a_table_is_cut_by_a_key(workspace: Workspace, project: Path, rows: Any) -> None:
    table = Dataset.Tabular.from_delimited_files((rows, "rows/*.csv")).as_named_input("table")
    # One row for many counts the others as failed.
    lax = {"error_threshold": -1, "partition_keys": ["team"]}
    found = scored(workspace, project, rows, table, COUNT, **lax)
    assert sorted(found) == [f"team{team} 75" for team in range(4)]


def test_files_are_cut_by_their_number(workspace: Workspace, project: Path, rows: Any) -> None:
    files = Dataset.File.from_files((rows, "rows")).as_named_input("files")
    found = scored(workspace, project, rows, files, SCORE, mini_batch_size="1")
    assert found == ["n,team"] * 3
