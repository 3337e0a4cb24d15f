"""The archive of the classes of Spark's JVM: made once, used by later ones, never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from test_warm import Folder, is_running
from worker import Step, until

from stepwell._spark import _java
from stepwell._spark._warm import _archive, _begin

MAPPED = """
import os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
jvm = spark._jvm.java.lang.ProcessHandle.current().pid()
print("archive", os.environ["XDG_CACHE_HOME"] in open("/proc/%d/maps" % jvm).read())
print("sum", spark.range(5).selectExpr("sum(id)").first()[0])
print("memory", spark._jvm.java.lang.Runtime.getRuntime().maxMemory() >> 20)
print("tasks", spark.sparkContext.parallelize([0], 1).map(lambda _: hash("a")).first() == hash("a"))
"""


class Machine(object):
    """A user's folder of caches, with data folders one after another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cache = path / "cache"
        self.folders = 0

    def run(self, **settings: Any) -> Step:
        """Run a step in a data folder of its own, which stays."""
        self.folders += 1
        folder = Folder(self.path / f"data-{self.folders}")
        folder.path.mkdir()
        step = folder.step("step", "script", conf={}, **settings)
        step.write("code.py", MAPPED)
        assert step.run(XDG_CACHE_HOME=str(self.cache)) == 0, step.log
        assert "sum 10" in step.log and "tasks True" in step.log
        return step

    def leave(self) -> None:
        """Remove the last data folder, and wait until its keeper has ended."""
        folder = Folder(self.path / f"data-{self.folders}")
        subprocess.run(["rm", "-rf", str(folder.data)], check=True)
        until(folder.keepers, lambda left: not left, "the keeper has ended")

    def file(self, pattern: str) -> Path:
        """The file of an archive, once it is there."""
        files = until(
            lambda: list((self.cache / "stepwell" / "spark").glob("*/" + pattern)),
            lambda found: found,
            f"{pattern} is there",
        )
        return files[0]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    if machine.folders:
        machine.leave()


def test_the_first_jvm_has_an_archive_made_which_later_ones_use_unless_it_is_damaged(
    machine: Machine,
) -> None:
    first = machine.run()
    assert "archive False" in first.log
    listed, command = machine.file("classes.lst"), machine.file("command.json")
    names = listed.read_text()
    assert "\norg/apache/spark/SparkContext\n" in names
    for each in (listed, command, listed.parent, listed.parent.parent):
        assert each.stat().st_mode & 0o077 == 0, each
    machine.leave()
    left = {each.name for each in listed.parent.iterdir()}
    assert left <= {"classes.lst", "command.json", "classes.jsa", "lock"}, (
        "nothing half made is left"
    )

    # Some classes are enough here; all of them take Java half a minute.
    (listed.parent / "classes.jsa").unlink(missing_ok=True)
    listed.write_text("".join(names.splitlines(True)[:600]))
    second = machine.run(driver_memory="700m")
    assert "archive False" in second.log
    assert "memory 700" in second.log, "as Spark's own scripts would have begun it"
    archive = machine.file("classes.jsa")
    machine.leave()

    assert "archive True" in machine.run().log
    machine.leave()
    alone = machine.run(warm=False)
    assert "archive True" in alone.log and alone.log.count("JVM that was") == 0

    archive.chmod(0o600)
    with open(str(archive), "r+b") as file:
        file.seek(archive.stat().st_size // 2)
        file.write(b"\xff\x5a\xa5" * 1000)
    damaged = machine.run(warm=False)
    assert "archive False" in damaged.log and "warning" not in damaged.log
    assert archive.exists()
    assert "archive False" in machine.run().log
    assert not archive.exists(), "a later keeper has another one made"


def test_what_no_archive_can_hold_gets_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "spark"
    (home / "jars").mkdir(parents=True)
    (home / "jars" / "a.jar").write_text("a")
    environ = {
        "SPARK_HOME": str(home),
        "PATH": os.environ["PATH"],
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    found = _archive.find(environ)
    assert found is not None and found.options() == []
    assert _archive.find({**environ, "SPARK_CONF_DIR": "/conf"}) is None
    assert _archive.find({**environ, "JAVA_HOME": "/absent"}) is None
    assert _archive.find({**environ, "SPARK_HOME": str(tmp_path / "absent")}) is None
    (home / "jars" / "b.jar").write_text("b")
    other = _archive.find(environ)
    assert other is not None and other.folder != found.folder, "other jars are another archive"
    os.chmod(found.folder, 0o755)
    (home / "jars" / "b.jar").unlink()
    assert _archive.find(environ) is None, "others could write it"
    (home / "conf").mkdir()
    assert _archive.find(environ) is None
    monkeypatch.setattr(_java, "released", lambda _: 11)
    (home / "conf").rmdir()
    os.chmod(found.folder, 0o700)
    assert _archive.find(environ) is None


def test_a_java_that_makes_none_leaves_nothing(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nexit 3\n")
    java.chmod(0o755)
    archive = _archive.Archive(str(tmp_path), str(java))
    maker = _archive.Maker(archive)
    (option,) = maker.recording()
    recorded = Path(option.partition("=")[2])
    recorded.write_text("java/lang/Object id: 0\njava/lang/Str")
    line = ["java", "-cp", "jars"]
    maker.go_on(line, _archive.FREE_MIN)
    assert Path(archive.listed).read_text() == "java/lang/Object id: 0\n", "lines that are complete"

    def ended() -> bool:
        maker.go_on(line, _archive.FREE_MIN)
        return not recorded.exists()

    until(ended, lambda over: over, "it is over")
    assert {each.name for each in tmp_path.iterdir()} == {"java", "classes.lst", "lock"}
    assert not archive.is_made and maker.recording() == []


def test_a_java_that_is_gone_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    maker = _archive.Maker(_archive.Archive(str(folder), "/absent/java"))
    (option,) = maker.recording()
    Path(option.partition("=")[2]).write_text("java/lang/Object id: 0\n")
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    maker.go_on(["java", "-cp", "jars"], _archive.FREE_MIN)
    assert maker.recording() == [] and list(tmp_path.iterdir()) == []


def test_it_is_not_made_when_memory_is_short_and_one_that_hangs_is_ended(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    java.chmod(0o755)
    archive = _archive.Archive(str(tmp_path), str(java))
    Path(archive.listed).write_text("java/lang/Object id: 0\n")
    line = ["java", "-cp", "jars"]
    short = _archive.Maker(archive)
    short.go_on(line, _archive.FREE_MIN - 1)
    short.go_on(line, _archive.FREE_MIN)
    assert not (tmp_path / "pid").exists()
    maker = _archive.Maker(archive)
    other = _archive.Maker(archive)
    other.go_on(line, _archive.FREE_MIN)
    assert not (tmp_path / "pid").exists(), "one at a time makes it"
    maker.go_on(line, _archive.FREE_MIN)
    pid = tmp_path / "pid"
    text = until(
        lambda: pid.read_text() if pid.exists() else "", lambda got: got.strip(), "it runs"
    )
    maker.close()
    assert not is_running(int(text))


def test_archives_that_nobody_uses_are_removed(tmp_path: Path) -> None:
    old, used = tmp_path / "old", tmp_path / "used"
    for each in (old, used):
        each.mkdir()
        (each / "classes.jsa").write_text("")
        os.utime(str(each), (0, 0))
    assert _archive.Archive(str(used), "java").options()
    _archive._remove_unused(str(tmp_path))
    assert used.exists() and not old.exists()
    assert time.time() - used.stat().st_mtime < _archive.KEEP_S


@pytest.mark.parametrize(
    ("properties", "memory"),
    [
        ("", ""),
        ("spark.driver.memory=2g\n", "2g"),
        ("spark.driver.memory=2g\nspark.driver.extraJavaOptions=-Dpassword=x\n", None),
        ("spark.driver.memory=$(id)\n", None),
    ],
)
def test_a_jvm_with_options_of_its_own_is_begun_by_sparks_scripts(
    tmp_path: Path, properties: str, memory: Any
) -> None:
    path = tmp_path / "begin.properties"
    path.write_text(properties)
    assert _begin._only_memory(str(path)) == memory


def test_a_command_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    archive = _archive.Archive(str(tmp_path), "java")
    assert archive.command() is None
    kept: Dict[str, Any] = {"line": ["java", "Main"], "environ": {"A": "b"}}
    for text in (
        "{",
        "[]",
        json.dumps({"line": []}),
        json.dumps({**kept, "line": []}),
        json.dumps({**kept, "more": 1}),
    ):
        (tmp_path / "command.json").write_text(text)
        assert archive.command() is None, text
    (tmp_path / "command.json").write_text(json.dumps(kept))
    command = archive.command()
    assert command is not None and command.line == ["java", "Main"]


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('IMPLEMENTOR="x"\nJAVA_VERSION="17.0.15"\n', 17),
        ('JAVA_VERSION="1.8.0_392"\n', 8),
        ('JAVA_VERSION="25"\n', 25),
        ("nothing\n", None),
        (None, None),
    ],
)
def test_the_version_of_java_is_read_from_its_release(
    tmp_path: Path, text: Any, major: Any
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("")
    if text is not None:
        (tmp_path / "release").write_text(text)
    assert _java.released(str(java)) == major
