"""Notebooks as script runs and as steps, executed by papermill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import programs
import pytest

from azureml.contrib.notebook import AzureMLNotebookHandler, NotebookRunConfig, NotebookRunnerStep
from azureml.core import Experiment, Workspace
from azureml.core.runconfig import RunConfiguration
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter


def notebook(folder: Path, name: str, *cells: str, **metadata: Any) -> str:
    """A notebook of code cells, the first of which is tagged `parameters`; returns its name."""
    made: List[Dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {} if place else {"tags": ["parameters"]},
            "outputs": [],
            "source": source,
        }
        for place, source in enumerate(cells)
    ]
    content = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 2}
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return name


def managed() -> RunConfiguration:
    """The packages of the Python that runs the tests."""
    made = RunConfiguration()
    made.environment.python.user_managed_dependencies = True
    return made


def printed(path: Path) -> str:
    cells = json.loads(path.read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", [])) for output in outputs)


def test_a_step_gives_a_notebook_its_data_and_parameters(project: Path) -> None:
    folder = project / "src"
    name = notebook(
        folder,
        "train.ipynb",
        "rate = 0\nword = ''\nraw = None\nmodel = None",
        "import os, pathlib\nassert raw is None or pathlib.Path(raw).read_text() == '7'",
        "print(type(rate).__name__, rate, word)\nopen(model, 'w').write('done')",
        # A kernel of the author's machine.
        kernelspec={"name": "conda-env-of-ann", "display_name": "Python 3.6", "language": "python"},
    )
    workspace = Workspace.from_config()
    raw, model = PipelineData("raw"), PipelineData("model")
    first = programs.step(
        project,
        "first",
        "import sys\nopen(sys.argv[1], 'w').write('7')\n",
        arguments=[raw],
        outputs=[raw],
    )
    step = NotebookRunnerStep(
        notebook_run_config=NotebookRunConfig(
            str(folder), name, parameters={"word": "cost $HOME"}, run_config=managed()
        ),
        params={"rate": PipelineParameter("rate", 1)},
        inputs=[raw],
        outputs=[model],
        compute_target="aml-cluster",
        output_notebook_pipeline_data_name="executed",
    )
    pipeline = Pipeline(workspace, [first, step])
    run = Experiment(workspace, project.name).submit(pipeline, pipeline_parameters={"rate": 3})
    assert run.wait_for_completion() == "Finished"
    (done,) = run.find_step_run("train.ipynb")
    done.get_output_data("executed").download(str(project / "down"))
    done.get_output_data("model").download(str(project / "down"))
    (executed,) = (project / "down").rglob("executed")
    assert printed(executed) == "int 3 cost $HOME\n"
    assert "Warning" not in done.get_stdout_log()
    assert [each.read_text() for each in (project / "down").rglob("model") if each.is_file()] == [
        "done"
    ]


def test_a_notebook_that_is_submitted_logs_what_it_records(project: Path) -> None:
    glue = {"application/scrapbook.scrap.json+json": {"name": "auc", "data": 0.5, "version": 1}}
    record = {"application/papermill.record+json": {"words": ["a", "b"]}}
    folder = project / "src"
    notebook(
        folder,
        "a.ipynb",
        "size = 1",
        "from IPython.display import display\n"
        f"display({glue!r}, raw=True)\ndisplay({record!r}, raw=True)",
        "from azureml.core import Run\nRun.get_context().log('size', size)",
    )
    config = NotebookRunConfig(
        str(folder),
        "a.ipynb",
        output_notebook="outputs/done.ipynb",
        parameters={"size": 4},
        handler=AzureMLNotebookHandler(timeout=600, progress_bar=False, log_output=True),
        run_config=managed(),
    )
    run = Experiment(Workspace.from_config(), project.name).submit(config)
    run.wait_for_completion()
    assert run.get_metrics() == {"auc": 0.5, "words": ["a", "b"], "size": 4}
    assert "outputs/done.ipynb" in run.get_file_names()


def test_a_cell_that_fails_is_the_failure_and_what_ran_is_kept(project: Path) -> None:
    folder = project / "src"
    notebook(folder, "a.ipynb", "x = 1", "print('before')", "raise ValueError('no data')")
    config = NotebookRunConfig(str(folder), "a.ipynb", run_config=managed())
    run = Experiment(Workspace.from_config(), project.name).submit(config)
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Failed"
    assert "ValueError: no data" in str(run.get_details()["error"])
    kept = project / "kept.ipynb"
    run.download_file("outputs/a.output.ipynb", str(kept))
    assert printed(kept).startswith("before\n")


# Without a run.


def test_the_environment_gets_what_executes_the_notebook(tmp_path: Path) -> None:
    notebook(tmp_path, "a.ipynb", "x = 1")
    mine = RunConfiguration()
    mine.environment.python.conda_dependencies.add_pip_package("papermill==2.4.0")
    config = NotebookRunConfig(str(tmp_path), "a.ipynb", run_config=mine)
    packages = list(config.run_config.environment.python.conda_dependencies.pip_packages)
    assert packages[-2:] == ["papermill==2.4.0", "ipykernel"]
    assert "ipykernel" not in mine.environment.python.conda_dependencies.pip_packages
    config = NotebookRunConfig(str(tmp_path), "a.ipynb", run_config=managed())
    packages = list(config.run_config.environment.python.conda_dependencies.pip_packages)
    assert "papermill" not in packages


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    notebook(tmp_path, "a.ipynb", "x = 1")
    with pytest.raises(UserErrorException, match="there is no notebook `b.ipynb`"):
        NotebookRunConfig(str(tmp_path), "b.ipynb")
    with pytest.raises(UserErrorException, match="Path"):
        NotebookRunConfig(str(tmp_path), "a.ipynb", parameters={"x": tmp_path})
    with pytest.raises(UserErrorException, match="no option `time`; it has history, timeout"):
        AzureMLNotebookHandler(time=3)
    with pytest.raises(ValueError, match="pass a NotebookRunConfig"):
        NotebookRunnerStep(name="a", notebook_run_config=RunConfiguration())


def execute(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "stepwell._notebook_run", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": programs.PACKAGES},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_values_that_come_as_text_have_their_type_again(tmp_path: Path) -> None:
    notebook(tmp_path, "a.ipynb", "a = b = c = d = None", "print([a, b, c, d])")
    done = execute(
        tmp_path,
        *("--notebook", "a.ipynb", "--output", "b.ipynb", "--parameters", '{"a": [1]}'),
        *("--literal", "b", "0.5", "--literal", "c", "true", "--text", "d", "0.5"),
        *("--text", "not-a-name", "1"),
    )
    assert done.returncode == 0, done.stderr
    assert printed(tmp_path / "b.ipynb") == "[[1], 0.5, True, '0.5']\n"
    assert "`not-a-name` is no name that a notebook can have" in done.stdout


def test_a_notebook_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = execute(tmp_path, "--notebook", "a.ipynb", "--output", "b.ipynb")
    assert (done.returncode, "there is no notebook `a.ipynb`" in done.stderr) == (2, True)
