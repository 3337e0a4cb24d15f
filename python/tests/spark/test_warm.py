"""Spark's JVM kept between steps: who shares it, what is put back, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from test_submit import FOLDERS, request
from worker import LIMIT_S, QUICK, Step, until

from stepwell._spark import _settings, _submit
from stepwell._spark._warm import _fit, _slots

MARK = """# Databricks notebook source
import json, os, subprocess
import helper
dbutils.widgets.text("kept", "no")

def place(_):
    import os, helper
    return [os.getcwd(), helper.NAME, os.environ.get("OF_STEP", "none")]

jvm = spark._jvm
seen = {
    "jvm": jvm.java.lang.ProcessHandle.current().pid(),
    "views": [each.name for each in spark.catalog.listTables()],
    "shuffle": spark.conf.get("spark.sql.shuffle.partitions"),
    "own": spark.conf.get("spark.own", "none"),
    "widgets": dbutils.widgets.getAll(),
    "folder": os.getcwd(),
    "of_task": sc.parallelize([0], 1).map(place).collect()[0],
    "of_driver": [helper.NAME, os.environ.get("OF_STEP", "none"), "leftover" in globals()],
    "property": jvm.java.lang.System.getProperty("left.over"),
    "zone": jvm.java.util.TimeZone.getDefault().getID(),
    "app": sc.applicationId,
}
open(dbutils.widgets.getArgument("report"), "w").write(json.dumps(seen))

# COMMAND ----------

leftover = 1
os.environ["LEFT_OVER"] = "1"
spark.range(3).createOrReplaceTempView("of_this_step")
spark.range(3).createOrReplaceGlobalTempView("of_this_application")
spark.conf.set("spark.sql.shuffle.partitions", "7")
jvm.java.lang.System.setProperty("left.over", "1")
jvm.java.util.TimeZone.setDefault(jvm.java.util.TimeZone.getTimeZone("Asia/Tokyo"))
jvm.java.lang.System.out.println("from the JVM of " + helper.NAME)
os.chdir("/")
"""
STUCK = """# Databricks notebook source
import time
jvm = spark._jvm.java.lang.ProcessHandle.current().pid()
open(dbutils.widgets.get("report"), "w").write(str(jvm))
sc.parallelize([0, 1], 2).foreach(lambda _: time.sleep(600))
"""
SCALA = """// Databricks notebook source
println("in Scala")
"""
SCRIPT = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
jvm = spark._jvm.java.lang.ProcessHandle.current().pid()
print("script on", jvm, spark.conf.get("spark.app.name"))
print("tables", spark.catalog.listTables())
sys.exit(int(sys.argv[1]))
"""


class Folder(object):
    """A data folder with the steps that ran in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "home"

    def step(self, name: str, kind: str = "notebook", **settings: Any) -> Step:
        """A step of this data folder; its report is `name.json`."""
        report = {"report": str(self.path / (name + ".json"))}
        code: Dict[str, Any] = {"kind": kind, "path": "code.py"}
        if kind == "notebook":
            code["parameters"] = report
        given = {"master": "local[2]", "conf": QUICK, "warm_seconds": 60, **settings}
        step = Step(self.path / name, code, given, home=self.data)
        step.request["run"] = "run-" + name
        step.write("helper.py", f"NAME = {name!r}\n")
        return step

    def report(self, name: str) -> Any:
        """What a step has written down."""
        return json.loads((self.path / (name + ".json")).read_text())

    def keepers(self) -> List[int]:
        """The processes that keep a JVM of this data folder."""
        pattern = "stepwell._spark._warm._keeper " + str(self.data)
        listed = subprocess.run(["pgrep", "-f", pattern], stdout=subprocess.PIPE, text=True)
        return [int(each) for each in listed.stdout.split()]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path)
    yield folder
    for each in folder.keepers():
        os.kill(each, signal.SIGKILL)
    until(folder.keepers, lambda left: not left, "the keepers are gone")


def marked(folder: Folder, name: str, **environ: str) -> Any:
    """Run a notebook that looks around and then leaves something of everything."""
    step = folder.step(name)
    step.write("code.py", MARK)
    assert step.run(OF_STEP=name, **environ) == 0, step.log
    return folder.report(name)


def environ_of(process: int) -> str:
    return Path(f"/proc/{process}/environ").read_text()


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before the open, or before the read
        return False


def test_steps_share_a_jvm_and_nothing_else(folder: Folder) -> None:
    first = marked(folder, "first", STEPWELL_SECRET_A_B="hunter22")
    second = marked(folder, "second")
    assert first["jvm"] == second["jvm"] and first["app"] != second["app"]
    differs = {"app", "folder", "of_task", "of_driver", "widgets"}
    assert {name: first[name] for name in first if name not in differs} == {
        name: second[name] for name in second if name not in differs
    }
    assert first["views"] == [] and first["shuffle"] == "2" and first["property"] is None
    for name, seen in (("first", first), ("second", second)):
        source = str(folder.path / name / "source")
        assert seen["folder"] == source
        assert seen["of_task"] == [source, name, name], "functions run where the step is"
        assert seen["of_driver"] == [name, name, False]
        assert seen["widgets"]["kept"] == "no"
        log = (folder.path / name / "log.txt").read_text()
        assert "from the JVM of " + name in log
        assert ("in a JVM that was there" in log) == (name == "second")
        assert list((folder.path / name / "files" / "logs" / "spark-events").glob("local-*"))
        assert not list((folder.path / name / "files").rglob("*.inprogress"))
    assert "from the JVM of first" not in (folder.path / "second" / "log.txt").read_text()

    # What it holds, and who can come to it.
    (keeper,) = folder.keepers()
    for process in (keeper, first["jvm"]):
        assert "hunter22" not in environ_of(process) and "OF_STEP" not in environ_of(process)
    root = folder.data / "spark"
    listens = Path(_slots.socket_of(str(root / "warm-0")))
    for each in (root, root / "warm-0", listens.parent, listens):
        assert each.lstat().st_mode & 0o077 == 0, each
    shutil.copytree(str(root), str(folder.path / "copy"))
    assert not (root / "warm-0" / "begin.properties").exists()

    # A script, its exit status, and what a notebook has left.
    script = folder.step("script", "script")
    script.request["task"]["code"]["arguments"] = [{"literal": "3"}]
    script.write("code.py", SCRIPT)
    assert script.run() == 3
    assert "script on {} step".format(first["jvm"]) in script.log and "tables []" in script.log

    # A worker that is killed in the middle of a job: its job is stopped, the JVM goes on.
    stuck = folder.step("stuck")
    stuck.write("code.py", STUCK)
    process = stuck.start()
    report = folder.path / "stuck.json"
    until(lambda: stuck.progress.get("tasks"), lambda now: now and now["running"] > 0, "it works")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert report.read_text() == str(first["jvm"])
    assert marked(folder, "third")["jvm"] == first["jvm"]

    # Cells of Scala can do anything to the JVM, which nobody uses after them.
    scala = folder.step("scala")
    scala.write("code.scala", SCALA)
    scala.request["task"]["code"]["path"] = "code.scala"
    assert scala.run() == 0, scala.log
    assert "in Scala" in scala.log and "in a JVM that was there" in scala.log
    until(lambda: is_running(first["jvm"]), lambda runs: not runs, "the JVM has ended")


def test_a_jvm_that_dies_fails_its_step_and_no_other_and_one_without_steps_ends(
    folder: Folder,
) -> None:
    stuck = folder.step("stuck")
    stuck.write("code.py", STUCK)
    process = stuck.start()
    until(lambda: stuck.progress.get("tasks"), lambda now: now and now["running"] > 0, "it works")
    jvm = int((folder.path / "stuck.json").read_text())
    os.kill(jvm, signal.SIGKILL)
    assert process.wait(LIMIT_S) == 1, stuck.log
    assert stuck.failure["summary"] == "Spark's JVM was ended by SIGKILL while the step ran"
    assert "driver_memory" in stuck.failure["hint"]

    idle = folder.step("idle", warm_seconds=0.5)
    idle.write("code.py", MARK)
    assert idle.run() == 0, idle.log
    assert folder.report("idle")["jvm"] != jvm
    until(folder.keepers, lambda left: not left, "the keeper has nothing to do and ends")
    until(lambda: is_running(folder.report("idle")["jvm"]), lambda runs: not runs, "so has the JVM")


def test_without_a_private_folder_or_when_it_is_declined_a_step_has_a_jvm_of_its_own(
    folder: Folder,
) -> None:
    root = folder.data / "spark"
    root.mkdir(parents=True)
    root.chmod(0o755)
    script = folder.step("open", "script")
    script.request["task"]["code"]["arguments"] = [{"literal": "0"}]
    script.write("code.py", SCRIPT)
    assert script.run() == 0, script.log
    assert "can be used by others: chmod 700 it" in script.log
    assert folder.keepers() == []


def wanted(**environ: str) -> _fit.Wanted:
    return _fit.wanted({"spark.driver.memory": "1g", "spark.a": "b"}, environ, {"X": "y"})


def test_steps_that_ask_for_the_same_of_the_jvm_share_it() -> None:
    assert wanted(PATH="/bin", OTHER="1").key == wanted(PATH="/bin", OTHER="2").key
    assert wanted(PATH="/bin").key != wanted(PATH="/sbin").key
    assert wanted(STEPWELL_TOKEN="t", LC_ALL="C").environ == {"LC_ALL": "C", "X": "y"}
    assert wanted().begun_with == {"spark.driver.memory": "1g"}


@pytest.mark.parametrize(
    ("settings", "task", "environ", "why"),
    [
        ({}, {}, {}, ""),
        ({}, {}, {"SPARK_HOME": "/s", "SPARK_CONF_DIR": "/c", "PATH": "/bin"}, ""),
        (
            {},
            {"cluster": {"spark_env_variables": {"PYSPARK_PYTHON": "/databricks/python3"}}},
            {},
            "",
        ),
        ({"warm": False}, {}, {}, "the compute target says warm=False"),
        ({"master": "spark://h:1"}, {}, {}, "its executors are elsewhere"),
        ({}, {"code": {"kind": "jar", "path": "A"}}, {}, "it runs a JAR"),
        ({}, {"libraries": [{"jar": "/a.jar"}]}, {}, "it brings jars"),
        ({}, {"spark": {"conf": {"spark.jars.ivy": "/i"}}}, {}, "it sets spark.jars.ivy"),
        (
            {"conf": {"spark.sql.catalogImplementation": "hive"}},
            {},
            {},
            "it sets spark.sql.catalogImplementation",
        ),
        (
            {},
            {"cluster": {"spark_env_variables": {"A": "b"}}},
            {},
            "it sets spark_env_variables",
        ),
        ({}, {}, {"AWS_SECRET_ACCESS_KEY": "k"}, "Spark reads the variable AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_step_that_needs_something_of_its_own_in_the_jvm_shares_none(
    settings: Dict[str, Any], task: Dict[str, Any], environ: Dict[str, str], why: str
) -> None:
    step = request(**task)
    parsed = _settings.parse("cpu", {"master": "local[2]", **settings})
    conf = _submit.configuration(step, parsed, FOLDERS, 4040)
    attached = _submit.attachments(step, FOLDERS)
    assert _fit.why_not(step, parsed, conf, attached, environ) == why


def test_a_slot_has_one_user_and_a_step_beyond_their_number_gets_none(tmp_path: Path) -> None:
    root = str(tmp_path / ("long" * 40))
    taken = [_slots.take(root, "a") for _ in range(_slots.SLOTS)]
    first, second = taken
    assert first is not None and second is not None and first.path != second.path
    assert _slots.take(root, "a") is None
    second.write_key("b")
    second.close()
    first.write_key("a")
    first.close()
    again = _slots.take(root, "b")
    assert again is not None and again.path == second.path, "the one that fits goes first"
    assert again.connect() is None


def test_the_folder_of_another_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    with pytest.raises(_slots.Unsafe, match="can be used by others"):
        _slots.take(str(tmp_path / "shared"), "a")
    os.symlink(str(tmp_path), str(tmp_path / "link"))
    with pytest.raises(_slots.Unsafe):
        _slots.make_private(str(tmp_path / "link"))
