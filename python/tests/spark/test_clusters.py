"""Scripts and JARs on `local[2]` and on a standalone master with two workers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Iterator

import pandas as pd
import pytest
from clusters import Cluster
from worker import LIMIT_S, QUICK, Step, until

EXECUTOR = {**QUICK, "spark.executor.memory": "512m"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster") / "spark", 2)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JAR of one class, compiled with the machine's JDK against pyspark's own jars."""
    import pyspark

    folder = tmp_path_factory.mktemp("jar")
    (folder / "Main.java").write_text(MAIN)
    jars = os.path.join(os.path.dirname(pyspark.__file__), "jars", "*")
    assert shutil.which("javac"), "the test compiles a JAR: install a JDK (default-jdk-headless)"
    subprocess.run(["javac", "-cp", jars, "-d", "classes", "Main.java"], cwd=folder, check=True)
    subprocess.run(["jar", "cf", "main.jar", "-C", "classes", "."], cwd=folder, check=True)
    return folder / "main.jar"


MAIN = """
import org.apache.spark.sql.SparkSession;
public class Main {
  public static void main(String[] arguments) {
    java.util.Map<String, String> given = new java.util.HashMap<>();
    for (int i = 0; i + 1 < arguments.length; i++)
      if (arguments[i].startsWith("-")) given.put(arguments[i], arguments[i + 1]);
    SparkSession spark = SparkSession.builder().getOrCreate();
    spark.read().parquet(given.get("-numbers")).selectExpr("n * " + arguments[0] + " as n")
        .write().parquet(given.get("-out"));
    System.out.println("master " + spark.sparkContext().master());
    spark.stop();
  }
}
"""


def numbers(folder: Path) -> Path:
    data = folder / "numbers"
    data.mkdir(parents=True)
    pd.DataFrame({"n": [1, 2, 3]}).to_parquet(data / "a.parquet")
    return data


@pytest.mark.parametrize("where", ["local", "standalone"])
def test_a_jar_reads_its_input_and_writes_its_output(
    tmp_path: Path, jar: Path, where: str, request: pytest.FixtureRequest
) -> None:
    master = "local[2]" if where == "local" else request.getfixturevalue("cluster").url
    code = {"kind": "jar", "path": "Main", "arguments": [{"literal": "7"}]}
    step = Step(
        tmp_path / "s",
        code,
        {"master": master, "conf": EXECUTOR},
        {"numbers": numbers(tmp_path)},
        {"out": tmp_path / "out"},
        libraries=[{"jar": str(jar)}],
    )
    assert step.run() == 0, step.log
    assert sorted(pd.read_parquet(tmp_path / "out")["n"]) == [7, 14, 21]
    assert "master " + master in step.log
    assert step.progress["tasks"]["done"] > 0


SCRIPT = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("mine").getOrCreate()
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
flag, out = given["--flag"], given["-out"]

def slow(parts):
    # The second half of the tasks waits until the test has killed a worker.
    import os, time
    for part in parts:
        while part >= 4 and not os.path.exists(flag):
            time.sleep(0.05)
        yield part

rdd = spark.sparkContext.parallelize(range(8), 8).mapPartitions(slow)
rdd.map(lambda n: (n,)).toDF(["n"]).write.parquet(out)
print("executors asked for", spark.conf.get("spark.executor.memory"))
"""


def test_a_job_ends_right_when_one_of_its_workers_is_killed(
    tmp_path: Path, cluster: Cluster
) -> None:
    flag = tmp_path / "flag"
    arguments = [{"literal": "--flag"}, {"literal": str(flag)}]
    step = Step(
        tmp_path / "s",
        {"kind": "script", "path": "main.py", "arguments": arguments},
        {"master": cluster.url, "conf": QUICK},
        outputs={"out": tmp_path / "out"},
        spark={"executor_memory": "512m", "executor_cores": 1, "num_executors": 2},
    )
    step.write("main.py", SCRIPT)
    process = step.start()
    until(
        lambda: step.progress,
        lambda now: now.get("executors", {}).get("active") == 2 and now["tasks"]["done"] >= 4,
        "both executors work",
    )
    victim = cluster.executors_of(0)
    assert victim
    for each in [cluster.workers[0].pid, *victim]:
        os.kill(each, signal.SIGKILL)
    until(lambda: step.progress, lambda now: now["executors"]["lost"] >= 1, "the loss is seen")
    flag.write_text("")
    assert process.wait(LIMIT_S) == 0, step.log
    assert sorted(pd.read_parquet(tmp_path / "out")["n"]) == list(range(8))
    assert "executors asked for 512m" in step.log
    cluster.add_worker()


def test_a_step_that_is_cancelled_stops_its_application(tmp_path: Path, cluster: Cluster) -> None:
    step = Step(
        tmp_path,
        {
            "kind": "script",
            "path": "main.py",
            "arguments": [{"literal": "--flag"}, {"literal": "/never"}],
        },
        {"master": cluster.url, "conf": EXECUTOR},
        outputs={"out": tmp_path / "out"},
    )
    step.write("main.py", SCRIPT)
    process = step.start()
    until(lambda: step.progress.get("tasks"), lambda now: now and now["running"] > 0, "it works")
    assert cluster.state()["activeapps"]
    os.killpg(process.pid, signal.SIGTERM)  # as the supervisor does
    assert process.wait(LIMIT_S) != 0
    until(cluster.state, lambda state: not state["activeapps"], "the master has let it go")


def test_a_script_that_fails_says_so(tmp_path: Path) -> None:
    step = Step(
        tmp_path, {"kind": "script", "path": "main.py", "arguments": []}, {"master": "local[2]"}
    )
    step.write("main.py", "raise SystemExit('no such day')\n")
    assert step.run() == 1
    assert step.failure["summary"] == "the script `main.py` ended with status 1"
    assert "no such day" in step.log
