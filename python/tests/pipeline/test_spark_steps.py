"""Steps on Spark: what is refused when they are made, and what the server is sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict

import pytest
from fakes import FakeWorkspace

from azureml.core import databricks
from azureml.data import HDFSOutputDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter, _spark_work
from azureml.pipeline.core import _submission as submissions
from azureml.pipeline.core._submission import RunRequest
from azureml.pipeline.steps import DatabricksStep, SynapseSparkStep


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a notebook and a script, which is the current one."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "etl.py").write_text("# Databricks notebook source\n1")
    (tmp_path / "main.py").write_text("1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(**kwargs: Any) -> DatabricksStep:
    given = {"name": "d", "notebook_path": "/jobs/etl", "num_workers": 1, "compute_target": "dbc"}
    return DatabricksStep(**{**given, **kwargs})


def task_of(workspace: FakeWorkspace, step: Any) -> Dict[str, Any]:
    graph = Pipeline(workspace, step).graph
    (sent,) = submissions.submission(graph, RunRequest("e", {}), workspace._client)["steps"]
    task: Dict[str, Any] = sent["task"]
    return task


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"notebook_path": None}, "needs exactly one of notebook_path, .*; it has none"),
        ({"main_class_name": "a.Main"}, "it has notebook_path and main_class_name"),
        (
            {"notebook_path": None, "python_script_name": "main.py"},
            "names python_script_name, so it needs source_directory",
        ),
        ({"node_type": "a", "instance_pool_id": "b"}, "node_type and instance_pool_id"),
        ({"min_workers": 1}, "leave out min_workers and max_workers"),
        ({"num_workers": None, "min_workers": 1}, "needs num_workers, or min_workers and max"),
        ({"num_workers": "2"}, "num_workers of step `d` is a str; pass a int"),
        ({"init_scripts": "a"}, "init_scripts of step `d` is a str; pass a list"),
        ({"jar_libraries": ["a.jar"]}, "an element of jar_libraries of step `d` is a str"),
        ({"notebook_params": ["a"]}, "notebook_params of step `d` are a list; pass a dict"),
        ({"permit_cluster_restart": True}, "is for an existing cluster"),
        ({"compute_target": 5}, None),
    ],
)
def test_what_cannot_work_is_refused_when_the_step_is_made(
    change: Dict[str, Any], says: Any, workspace: FakeWorkspace, folder: Path
) -> None:
    with pytest.raises(ValueError, match=says):
        task_of(workspace, made(**change))


def test_a_run_configuration_and_lists_of_libraries_exclude_each_other() -> None:
    from azureml.core.runconfig import RunConfiguration

    with pytest.raises(ValueError, match="has a runconfig and lists of libraries"):
        made(runconfig=RunConfiguration(), pypi_libraries=[])
    run_config = RunConfiguration()
    run_config.environment.databricks.cluster = databricks.DatabricksCluster(num_workers=2)
    with pytest.raises(ValueError, match="has a cluster in its runconfig and num_workers beside"):
        made(runconfig=run_config)


def test_a_notebook_is_sent_with_its_folder_widgets_and_pyspark(
    workspace: FakeWorkspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_spark_work, "_has_pyspark", lambda: False)
    day = PipelineParameter("day", "2024-01-01")
    step = made(
        notebook_params={"day": day, "size": "small"},
        outputs=[PipelineData("out")],
        pypi_libraries=[databricks.PyPiLibrary("scipy")],
        spark_conf={"spark.x": "1"},
        run_name="nightly",
        timeout_seconds=60,
    )
    task = task_of(workspace, step)
    assert task["type"] == "spark"
    assert task["code"] == {
        "kind": "notebook",
        "path": "/jobs/etl",
        "arguments": [],
        "parameters": {"day": {"parameter": "day"}, "size": {"literal": "small"}},
    }
    assert workspace._client.pushed == [str(folder)] and not task["remote"]
    assert task["environment"]["pip"] == ["pyspark"]
    assert task["cluster"]["spark_conf"] == {"spark.x": "1"}
    assert task["cluster"]["node_type"] == "Standard_D3_v2"
    assert task["libraries"] == [{"pypi": {"package": "scipy", "repo": None}}]
    assert (task["name"], task["timeout_seconds"]) == ("d", 60)
    assert task["spark"] == {"app_name": "nightly"}


def test_a_notebook_that_is_not_there_is_refused_with_the_near_one(
    workspace: FakeWorkspace, folder: Path
) -> None:
    with pytest.raises(ValueError, match="did you mean `jobs/etl.py`"):
        task_of(workspace, made(notebook_path="/Shared/etll"))


def test_on_a_databricks_workspace_the_notebook_is_the_one_there(
    workspace: FakeWorkspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computes = {
        "computes": [
            {"name": "dbc", "created": True, "settings": {"workspace_url": "https://adb-1.net"}}
        ]
    }
    get = workspace._client.get
    monkeypatch.setattr(
        workspace._client, "get", lambda path: computes if path == "/computes" else get(path)
    )
    task = task_of(workspace, made(notebook_path="/Users/me/nb", existing_cluster_id="c-1"))
    assert task["remote"] and task["snapshot"] is None
    assert task["environment"] == {"kind": "interpreter", "python": sys.executable}
    assert task["cluster"] == {"existing_cluster_id": "c-1"}


def test_a_script_gets_parameters_by_name_and_value(workspace: FakeWorkspace, folder: Path) -> None:
    step = made(
        notebook_path=None,
        python_script_name="main.py",
        source_directory=str(folder),
        python_script_params=["--rate", PipelineParameter("rate", "5"), "x"],
    )
    task = task_of(workspace, step)
    assert task["code"]["kind"] == "script"
    assert task["code"]["arguments"] == [
        {"literal": "--rate"},
        {"literal": "rate"},
        {"parameter": "rate"},
        {"literal": "x"},
    ]


def test_a_jar_of_this_machine_is_sent_with_its_digest(
    workspace: FakeWorkspace, folder: Path
) -> None:
    jar = folder / "a.jar"
    jar.write_bytes(b"first")

    def sent() -> Dict[str, Any]:
        library = databricks.JarLibrary(str(jar))
        step = made(notebook_path=None, main_class_name="a.Main", jar_libraries=[library])
        task = task_of(workspace, step)
        assert task["code"]["path"] == "a.Main" and task["snapshot"] is None
        found: Dict[str, Any] = task["libraries"][0]
        return found

    first = sent()
    jar.write_bytes(b"second")
    assert first["jar"] == str(jar) and first["sha256"] != sent()["sha256"]


def test_pyspark_is_added_only_to_environments_without_it() -> None:
    spec = {"kind": "python", "pip": ["scipy"], "conda": []}
    assert _spark_work.with_pyspark(spec)["pip"] == ["scipy", "pyspark"]
    pinned = {"kind": "python", "pip": ["pyspark==3.5.1"], "conda": []}
    assert _spark_work.with_pyspark(pinned) is pinned
    conda = {"kind": "python", "pip": [], "conda": ["pyspark=3.5"]}
    assert _spark_work.with_pyspark(conda) is conda
    other = {"kind": "interpreter", "python": "/opt/spark/bin/python"}
    assert _spark_work.with_pyspark(other) is other


def synapse(**kwargs: Any) -> SynapseSparkStep:
    given: Dict[str, Any] = {
        "file": "main.py",
        "source_directory": ".",
        "compute_target": "pool",
        "driver_memory": "1g",
        "driver_cores": 1,
        "executor_memory": "2g",
        "executor_cores": 2,
        "num_executors": 3,
    }
    return SynapseSparkStep(**{**given, **kwargs})


def test_a_synapse_step_is_sent_with_its_sizes_and_merged_files(
    workspace: FakeWorkspace, folder: Path
) -> None:
    out = HDFSOutputDatasetConfig("rows", destination=(workspace.store, "rows"))
    step = synapse(
        outputs=[out],
        arguments=["--out", out],
        conf={"spark.jars": "a.jar,b.jar", "spark.x": 1},
        jars=["c.jar"],
    )
    graph = Pipeline(workspace, step).graph
    (sent,) = submissions.submission(graph, RunRequest("e", {}), workspace._client)["steps"]
    task = sent["task"]
    assert task["style"] == "synapse"
    assert task["spark"] == {
        "driver_memory": "1g",
        "driver_cores": 1,
        "executor_memory": "2g",
        "executor_cores": 2,
        "num_executors": 3,
        "py_files": [],
        "jars": ["a.jar", "b.jar", "c.jar"],
        "files": [],
        "conf": {"spark.x": "1"},
        "app_name": "main.py",
    }
    assert task["code"]["arguments"] == [{"literal": "--out"}, {"output": "rows"}]
    (output,) = sent["outputs"]
    assert output["path"] == "rows" and output["make_folder"] is False


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"compute_target": None}, "needs compute_target"),
        ({"compute_target": "local"}, "`local` is no compute target"),
        ({"driver_cores": "1"}, "driver_cores is '1'; pass a whole number"),
        ({"outputs": [PipelineData("x")]}, "is a PipelineData; pass an HDFSOutputDatasetConfig"),
        ({"inputs": [PipelineData("x")]}, "is a PipelineData; pass a dataset"),
        ({"conf": {"spark.executor.memory": "1g"}}, "which the step has an argument for"),
    ],
)
def test_what_a_synapse_step_cannot_have_is_refused(change: Dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        synapse(**change)
