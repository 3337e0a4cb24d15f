"""What spark-submit is called with, and what is refused before it is."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from stepwell._spark import _java, _ports, _progress, _request, _settings, _submit
from stepwell._worker import Failure, Worker

FOLDERS = _submit.Folders("/work", "/dbfs", "/classes", "/blocks", "/site", "/events", "/log4j2")


def request(**task: Any) -> _request.Request:
    asked: Dict[str, Any] = {"code": {"kind": "script", "path": "a.py"}, "name": "n", **task}
    return _request.of(
        Worker(
            {
                "version": 1,
                "run": "r",
                "task": asked,
                "inputs": {"data": {"datastore": "d", "path": "p", "local": "/data/a b"}},
                "outputs": {"out": {"datastore": "d", "path": "q", "local": "/data/out"}},
                "state": "/state",
                "files": "/files",
            }
        )
    )


def conf(master: str = "local[2]", settings: Any = None, **task: Any) -> Dict[str, str]:
    parsed = _settings.parse("cpu", {"master": master, **(settings or {})})
    return _submit.configuration(request(**task), parsed, FOLDERS, 4040)


def test_the_step_goes_before_the_target_and_the_target_before_the_defaults() -> None:
    made = conf(
        settings={"conf": {"spark.a": "target", "spark.b": "target"}, "driver_memory": "1g"},
        cluster={"spark_conf": {"spark.b": "cluster", "spark.c": 1}},
        spark={"conf": {"spark.c": "step"}, "driver_memory": "2g"},
    )
    assert (made["spark.a"], made["spark.b"], made["spark.c"]) == ("target", "cluster", "step")
    assert made["spark.driver.memory"] == "2g"


def test_cores_and_memory_of_executors_are_those_that_the_step_asks_for() -> None:
    made = conf(
        "spark://127.0.0.1:7077",
        spark={
            "executor_memory": "512m",
            "executor_cores": 2,
            "num_executors": 3,
            "driver_cores": 1,
        },
    )
    assert made["spark.executor.memory"] == "512m"
    assert (made["spark.executor.cores"], made["spark.executor.instances"]) == ("2", "3")
    assert made["spark.cores.max"] == "6"


def test_the_driver_listens_on_this_machine_only_unless_executors_are_elsewhere() -> None:
    assert conf()["spark.driver.bindAddress"] == "127.0.0.1"
    assert conf("spark://127.0.0.1:7077")["spark.driver.host"] == "127.0.0.1"
    assert "spark.driver.bindAddress" not in conf("spark://head:7077")
    assert "spark.driver.bindAddress" not in conf("yarn")


def test_dbfs_is_the_default_file_system_as_on_databricks_but_not_on_synapse() -> None:
    assert conf()["spark.hadoop.fs.defaultFS"] == "dbfs:///"
    assert "spark.hadoop.fs.defaultFS" not in conf(style="synapse")


@pytest.mark.parametrize(
    "master", ["local", "local[*]", "local[4]", "spark://h:1", "yarn", "k8s://https://h"]
)
def test_each_kind_of_master_is_taken(master: str) -> None:
    assert _settings.parse("cpu", {"master": master}).master == master


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"master": "mesos://x"}, "has the master `mesos://x`"),
        ({"workspace_url": "adb-1"}, "has the workspace_url `adb-1`"),
        ({"mastr": "local"}, "has no setting `mastr`"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: Dict[str, Any], says: str) -> None:
    with pytest.raises(Failure, match=says):
        _settings.parse("cpu", settings)


def test_sizes_that_a_program_attached_its_target_with_are_left_alone() -> None:
    raw = {"vm_size": "Standard_D3", "resource_group": "rg", "workspace_name": "ws"}
    assert _settings.parse("cpu", raw).master == "local[*]"


def test_libraries_become_options_of_spark_submit() -> None:
    found = _submit.attachments(
        request(
            libraries=[
                {"jar": "dbfs:/jars/a.jar"},
                {"jar": "b.jar"},
                {"egg": "/eggs/c.egg"},
                {"maven": {"coordinates": "g:a:1", "repo": "https://r", "exclusions": ["x:y"]}},
                {"pypi": {"package": "p==1", "repo": "https://i"}},
            ]
        ),
        FOLDERS,
    )
    assert found["jars"] == ["/dbfs/jars/a.jar", "/work/b.jar"]
    assert (found["py-files"], found["packages"]) == (["/eggs/c.egg"], ["g:a:1"])
    assert (found["repositories"], found["exclude-packages"]) == (["https://r"], ["x:y"])


def test_a_library_of_r_is_refused() -> None:
    with pytest.raises(Failure, match="`caret` is of R"):
        _submit.attachments(request(libraries=[{"cran": {"package": "caret"}}]), FOLDERS)


def test_ports_reach_scripts_as_pairs_and_no_credential_is_an_argument() -> None:
    step = request(
        code={
            "kind": "script",
            "path": "a.py",
            "arguments": [{"literal": "--in"}, {"input": "data"}, {"literal": "x"}],
        }
    )
    uris = _ports.port_uris(step)
    environ = {"AZUREML_RUN_TOKEN": "credential", "AZUREML_ARM_WORKSPACE_NAME": "ws"}
    line = step.resolved(uris) + _ports.argument_pairs(step, uris, environ)
    assert line == [
        *("--in", "file:///data/a%20b", "x"),
        *("-data", "file:///data/a%20b", "-out", "file:///data/out"),
        *("--AZUREML_RUN_ID", "r", "--AZUREML_ARM_WORKSPACE_NAME", "ws"),
    ]


def test_a_synapse_step_gets_its_own_arguments_only() -> None:
    step = request(style="synapse")
    assert _ports.argument_pairs(step, _ports.port_uris(step), {}) == []


def test_an_argument_that_names_no_port_is_refused_with_the_near_one() -> None:
    step = request(code={"kind": "script", "path": "a.py", "arguments": [{"input": "dat"}]})
    with pytest.raises(Failure) as refused:
        step.resolved(_ports.port_uris(step))
    assert refused.value.hint == "did you mean `data`?"


def test_java_is_checked_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure, match="Spark needs Java 17 or newer, and none is on the PATH") as e:
        _java.find_java("4.0.0")
    assert "apt-get install default-jre-headless" in e.value.hint
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    with pytest.raises(Failure, match="pyspark 4.0.0 needs Java 17 or newer, and .* is Java 11"):
        _java.find_java("4.0.0")
    assert _java.find_java("3.5.1") == str(old)


def test_a_request_that_is_incomplete_is_refused() -> None:
    with pytest.raises(Failure, match="incomplete"):
        request(code={"kind": "shell"})


def test_what_a_short_application_did_is_read_from_its_event_log(tmp_path: Any) -> None:
    assert _progress.logged(str(tmp_path)) == {}
    stage = {"Stage Info": {"Number of Tasks": 2}}
    failed = {"Stage Info": {"Number of Tasks": 1, "Failure Reason": "x"}}
    events = [
        {"Event": "SparkListenerTaskEnd", "Task End Reason": {"Reason": "Success"}},
        {"Event": "SparkListenerTaskEnd", "Task End Reason": {"Reason": "Success"}},
        {"Event": "SparkListenerStageCompleted", **stage},
        {"Event": "SparkListenerJobEnd", "Job Result": {"Result": "JobSucceeded"}},
        {"Event": "SparkListenerTaskEnd", "Task End Reason": {"Reason": "ExceptionFailure"}},
        {"Event": "SparkListenerStageCompleted", **failed},
        {"Event": "SparkListenerJobEnd", "Job Result": {"Result": "JobFailed"}},
    ]
    text = "".join(json.dumps(event) + "\n" for event in events)
    (tmp_path / "local-1").write_text(text)
    done = _progress.logged(str(tmp_path))
    assert done["application"] == "local-1"
    assert done["jobs"] == {"running": 0, "done": 1, "failed": 1}
    assert done["stages"] == {"running": 0, "done": 1, "failed": 1}
    assert done["tasks"] == {"running": 0, "done": 2, "failed": 1, "total": 3}
