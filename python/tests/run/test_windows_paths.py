"""Programs that were written on Windows name their files with backslashes."""

from __future__ import annotations

import json
from pathlib import Path

import programs
import pytest

from azureml.core import Environment, Experiment, Model, ScriptRunConfig, Workspace
from azureml.exceptions import UserErrorException
from azureml.pipeline.steps import PythonScriptStep
from stepwell._windows_paths import here


def test_a_path_with_backslashes_is_one_of_windows_where_only_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("")
    (tmp_path / "b\\c").write_text("")
    for path, expected in (
        ("src\\a.py", "src/a.py"),
        (".\\src\\a.py", "./src/a.py"),
        ("b\\c", "b\\c"),
        ("no\\where", "no\\where"),
        ("src/a.py", "src/a.py"),
    ):
        assert here(path) == expected
    assert here("src\\a.py", str(tmp_path)) == "src/a.py"
    assert here(None) is None and here(tmp_path) is tmp_path


@pytest.mark.parametrize("path", [".azureml\\config", ".azureml\\config.json", ".azureml/config"])
def test_the_configuration_is_looked_for_upwards_from_a_path_that_is_not_there(
    path: str, project: Path
) -> None:
    (project / ".azureml").mkdir()
    scope = {"subscription_id": "s", "resource_group": "g", "workspace_name": "churn"}
    (project / ".azureml" / "config.json").write_text(json.dumps(scope))
    assert Workspace.from_config(path).name == "churn"


def test_where_nothing_is_found_the_path_is_named(project: Path) -> None:
    with pytest.raises(UserErrorException, match=r"nowhere\.json"):
        Workspace.from_config(str(project / "nowhere.json"))


def test_a_pipeline_a_script_run_and_a_model_take_such_paths(project: Path) -> None:
    (project / "jobs" / "train").mkdir(parents=True)
    (project / "jobs" / "train" / "main.py").write_text("print('trained')\n")
    (project / "jobs" / "env.txt").write_text("# nothing\n")
    step = PythonScriptStep(
        name="train",
        script_name="train\\main.py",
        source_directory=".\\jobs",
        compute_target="aml-cluster",
    )
    workspace = Workspace.from_config()
    Environment.from_pip_requirements("e", "jobs\\env.txt")
    config = ScriptRunConfig(source_directory="jobs", script="train\\main.py")
    for given in (programs.pipeline(project, step), config):
        run = Experiment(workspace, project.name).submit(given)
        assert run.wait_for_completion(show_output=False) in ("Finished", run.get_details())
    assert run.get_details()["runDefinition"]["script"] == "train/main.py"
    assert Model.register(workspace, "jobs\\train", "of-windows").version == 1
    store = workspace.get_default_datastore()
    store.upload(src_dir="jobs\\train", target_path="up", show_progress=False)
    assert store.download("down", prefix="up", show_progress=False) == 1
