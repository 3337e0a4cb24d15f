"""What `spark-submit` is called with for clusters of which there is none here: YARN and Kubernetes.

The package pyspark of the step is one whose `spark-submit` writes down what it was given.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from worker import Step

SUBMIT = """#!{python}
import json, os, sys
arguments = sys.argv[1:]
with open(arguments[arguments.index("--properties-file") + 1]) as file:
    properties = dict(line.rstrip("\\n").split("=", 1) for line in file)
record = dict(arguments=arguments, properties=properties, environ=dict(os.environ))
with open(os.environ["RECORD"], "w") as file:
    json.dump(record, file)
sys.exit(int(os.environ.get("STATUS", "0")))
"""
EXECUTORS = {
    "driver_memory": "1g",
    "executor_memory": "2g",
    "executor_cores": 2,
    "num_executors": 3,
    "conf": {"spark.own": "of the step"},
}


class Recorded(object):
    """A package pyspark that records, with the steps that use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._packages = folder / "packages"
        home = self._packages / "pyspark"
        (home / "bin").mkdir(parents=True)
        (home / "__init__.py").write_text("")
        (home / "version.py").write_text('__version__ = "4.0.1"\n')
        submit = home / "bin" / "spark-submit"
        submit.write_text(SUBMIT.format(python=sys.executable))
        submit.chmod(0o755)
        self.home = home

    def step(self, settings: Dict[str, Any], **task: Any) -> Step:
        """A step that runs a script with one argument of its own."""
        code = {"kind": "script", "path": "main.py", "arguments": [{"literal": "a b"}]}
        step = Step(self._folder / "step", code, settings, spark=EXECUTORS, **task)
        step.write("main.py", "")
        return step

    def environ(self, **more: str) -> Dict[str, str]:
        """The variables of its worker."""
        paths = [str(self._packages), *(each for each in sys.path if each)]
        return {"PYTHONPATH": ":".join(paths), "RECORD": str(self._folder / "record.json"), **more}

    def seen(self) -> Dict[str, Any]:
        """What `spark-submit` was given."""
        record: Dict[str, Any] = json.loads((self._folder / "record.json").read_text())
        return record


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def option(arguments: List[str], name: str) -> str:
    assert arguments.count(name) == 1
    return arguments[arguments.index(name) + 1]


@pytest.mark.parametrize(
    ("master", "conf"),
    [
        ("yarn", {"spark.yarn.queue": "ml", "spark.own": "of the target"}),
        (
            "k8s://https://cluster:6443",
            {
                "spark.kubernetes.container.image": "registry/spark:4",
                "spark.kubernetes.namespace": "ml",
                "spark.pyspark.python": "python3",
            },
        ),
    ],
)
def test_a_script_goes_to_a_cluster_with_its_sizes_and_its_properties(
    recorded: Recorded, master: str, conf: Dict[str, str]
) -> None:
    libraries = [{"maven": {"coordinates": "g:a:1"}}, {"egg": "/eggs/c.egg"}]
    step = recorded.step({"master": master, "conf": conf}, libraries=libraries)
    assert step.run(**recorded.environ(HADOOP_CONF_DIR="/etc/hadoop")) == 0, step.log
    assert "Spark 4.0.1 on " + master in step.log
    seen = recorded.seen()
    arguments = seen["arguments"]
    assert option(arguments, "--master") == master
    assert option(arguments, "--deploy-mode") == "client", "the driver ends with the step"
    assert option(arguments, "--name") == "step"
    assert option(arguments, "--packages") == "g:a:1"
    assert option(arguments, "--py-files") == "/eggs/c.egg"
    assert arguments[-4:] == [str(step.source / "main.py"), "a b", "--AZUREML_RUN_ID", "run-1"]

    properties = seen["properties"]
    assert {name: properties[name] for name in properties if name in conf} == {
        **conf,
        **{name: "of the step" for name in conf if name == "spark.own"},
    }
    assert properties["spark.own"] == "of the step"
    assert properties["spark.driver.memory"] == "1g"
    assert properties["spark.executor.memory"] == "2g"
    assert properties["spark.executor.cores"] == "2"
    assert properties["spark.executor.instances"] == "3"
    for name in ("spark.driver.host", "spark.driver.bindAddress"):
        assert name not in properties, "executors on other machines reach the driver"

    environ = seen["environ"]
    assert environ["HADOOP_CONF_DIR"] == "/etc/hadoop"
    assert environ["SPARK_HOME"] == str(recorded.home)
    assert "SPARK_LOCAL_IP" not in environ
    assert "SPARK_SUBMIT_OPTS" not in environ, "no archive of classes is for these jars"
    assert not (step.state / "spark.properties").exists(), "it may hold keys of a store"


def test_a_script_that_fails_on_a_cluster_fails_its_step(recorded: Recorded) -> None:
    step = recorded.step({"master": "yarn"})
    assert step.run(**recorded.environ(STATUS="13")) == 13
    assert step.failure["summary"] == "the script `main.py` ended with status 13"
