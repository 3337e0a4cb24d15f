"""Notebooks as people write them, cell by cell on real Spark.

The constructs are those of 901 public notebooks, by how many of them use each: `display`, `%run`,
`dbutils.library.restartPython`, `%pip`, `%sql`, `DBTITLE`, `dbutils.fs`, `displayHTML`, widgets,
`entry_point`, `%sh`, `notebook.run`, `secrets`, `mount`, `notebook.exit`, `taskValues`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

from worker import QUICK, Step

from stepwell._spark._notebook import _failed

LOCAL = {"master": "local[2]", "conf": QUICK}

ETL = r"""# Databricks notebook source
# MAGIC %md
# MAGIC # Sales <b>by day</b>

# COMMAND ----------

# MAGIC %pip install --no-index ./wheels/greeter-1.0-py3-none-any.whl

# COMMAND ----------

leftover = 1
dbutils.library.restartPython()

# COMMAND ----------

# MAGIC %run ./lib/helpers $factor="3"

# COMMAND ----------

# DBTITLE 1,Read
assert "leftover" not in globals(), "restartPython forgets"
import greeter
dbutils.widgets.text("day", "none", "Day")
dbutils.widgets.dropdown("size", "small", ["small", "large"])
print(greeter.hello(dbutils.widgets.get("day")), getArgument("factor"))
df = spark.read.parquet(dbutils.widgets.get("sales"))
df.createOrReplaceTempView("sales")
display(df.orderBy("amount"))

# COMMAND ----------

# MAGIC %sql
# MAGIC create or replace temp view big as select * from sales where amount > 10;
# MAGIC select count(*) as n, '${day}' as day from big where :size = 'small'

# COMMAND ----------

assert _sqldf.collect()[0]["n"] == 2
displayHTML("<b>total</b>")

# COMMAND ----------

# MAGIC %sh
# MAGIC echo "from the shell in $(basename "$PWD")"
# MAGIC false

# COMMAND ----------

dbutils.fs.mkdirs("/tmp/etl")
dbutils.fs.put("dbfs:/tmp/etl/a.txt", "text", True)
dbutils.fs.cp("/tmp/etl/a.txt", "/tmp/etl/b.txt")
dbutils.fs.mv("/tmp/etl/b.txt", "/tmp/etl/c.txt")
assert [each.name for each in dbutils.fs.ls("/tmp/etl")] == ["a.txt", "c.txt"]
assert dbutils.fs.head("/tmp/etl/c.txt", 3) == "tex"
assert spark.read.text("/tmp/etl/a.txt").count() == 1
assert dbutils.fs.rm("/tmp/etl/c.txt") and not dbutils.fs.rm("/tmp/etl/c.txt")
dbutils.fs.mount("file:" + dbutils.widgets.get("elsewhere"), "/mnt/raw")
assert dbutils.fs.head("/mnt/raw/note.txt") == "noted"
assert any(each.mountPoint == "/mnt/raw" for each in dbutils.fs.mounts())
dbutils.fs.unmount("/mnt/raw")

# COMMAND ----------

# MAGIC %fs ls /tmp/etl

# COMMAND ----------

context = dbutils.notebook.entry_point.getDbutils().notebook().getContext()
assert context.notebookPath().get() == "/etl"
import json
assert json.loads(context.toJson())["tags"]["jobName"] == "step"
secret = dbutils.secrets.get(scope="vault", key="db-password")
print("the password is", secret)
dbutils.jobs.taskValues.set(key="rows", value=2)
assert dbutils.jobs.taskValues.get(taskKey="step", key="rows") == 2

# COMMAND ----------

from pyspark.sql.functions import col, udf
scaled = udf(scale, "long")
first = dbutils.notebook.run("./lib/child", 300, {"value": "4"})
second = dbutils.notebook.run("lib/child", 0)
print(first, second, sqlContext.sql("select 1").count(), sc.parallelize([1, 2]).sum())
try:
    dbutils.notebook.run("./lib/broken", 0)
except Exception as error:
    print("caught:", error)
if spark.catalog.tableExists("of_child"):
    raise AssertionError("views of a notebook that was run apart are its own")

# COMMAND ----------

df.withColumn("amount", scaled(col("amount"))).write.mode("overwrite").parquet(getArgument("out"))
dbutils.notebook.exit("done: " + str(df.count()))

# COMMAND ----------

raise AssertionError("after the exit nothing runs")
"""
HELPERS = """# Databricks notebook source
# MAGIC %md helpers

# COMMAND ----------

def scale(value):
    return value * 3
"""
CHILD = """-- Databricks notebook source
CREATE WIDGET TEXT value DEFAULT "0";
create or replace temp view of_child as select :value as value

-- COMMAND ----------

-- MAGIC %python
-- MAGIC dbutils.notebook.exit("child " + spark.table("of_child").collect()[0][0])
"""


def wheel(folder: Path) -> None:
    """A package that no index has."""
    import zipfile

    folder.mkdir(parents=True)
    with zipfile.ZipFile(str(folder / "greeter-1.0-py3-none-any.whl"), "w") as archive:
        archive.writestr("greeter.py", "def hello(name):\n    return 'hello ' + name\n")
        info = "greeter-1.0.dist-info/"
        archive.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
        archive.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(info + "RECORD", "")


def executed(step: Step, name: str) -> List[Dict[str, Any]]:
    """The cells of the notebook that was kept."""
    document = json.loads((step.files / "outputs" / (name + ".ipynb")).read_text())
    assert document["nbformat"] == 4
    cells: List[Dict[str, Any]] = document["cells"]
    return cells


def text_of(cell: Dict[str, Any]) -> str:
    """Everything that a cell has put out."""
    return json.dumps(cell["outputs"])


def test_a_notebook_with_what_notebooks_use_runs_and_is_kept(tmp_path: Path) -> None:
    import pandas as pd

    sales = tmp_path / "sales"
    sales.mkdir()
    pd.DataFrame({"amount": [5, 20, 30]}).to_parquet(sales / "part.parquet")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "note.txt").write_text("noted")
    code = {
        "kind": "notebook",
        "path": "/Repos/me/project/etl",
        "parameters": {"day": "2024-05-01", "elsewhere": str(tmp_path / "elsewhere")},
    }
    out = tmp_path / "out"
    step = Step(tmp_path / "s", code, LOCAL, {"sales": sales}, {"out": out})
    wheel(step.source / "wheels")
    step.write("etl.py", ETL)
    step.write("lib/helpers.py", HELPERS)
    step.write("lib/child.sql", CHILD)
    step.write("lib/broken.py", "# Databricks notebook source\nraise ValueError('broken')\n")
    status = step.run(STEPWELL_SECRET_VAULT_DB_PASSWORD="hunter22")
    assert status == 0, step.log
    assert sorted(pd.read_parquet(out)["amount"]) == [15, 60, 90]

    cells = executed(step, "etl")
    read = cells[4]
    assert read["metadata"]["title"] == "Read"
    assert "hello 2024-05-01 3" in text_of(read)
    table = read["outputs"][-1]["data"]
    assert "<td>5</td>" in table["text/html"] and "| 20 " in table["text/plain"]
    assert "from the shell in source" in text_of(cells[7])
    assert "ended with status 1" in text_of(cells[7])
    assert "child 4 child 0 1 3" in text_of(cells[11])
    assert "caught: cell 1 of `broken.py` failed: ValueError: broken" in text_of(cells[11])
    assert cells[-1]["outputs"] == [] and cells[-1]["execution_count"] is None

    page = (step.files / "outputs" / "etl.html").read_text()
    assert "Sales &lt;b&gt;by day&lt;/b&gt;" in page
    assert "sandbox=" in page and "&lt;b&gt;total&lt;/b&gt;" in page
    everything = step.log + page + json.dumps(cells)
    assert "hunter22" not in everything and "the password is [REDACTED]" in everything

    progress = step.progress
    assert progress["tasks"]["done"] > 0 and progress["cells"]["position"] == 13
    assert "Spark application local-" in step.log and "its page is http://127.0.0.1:" in step.log
    assert (step.state / "exit-value.txt").read_text() == "done: 3"
    assert list((step.files / "logs" / "spark-events").iterdir())
    assert "INFO" in (step.files / "logs" / "spark.log").read_text()
    assert "INFO" not in step.log


def test_a_failing_cell_is_named_with_its_source_and_traceback(tmp_path: Path) -> None:
    step = Step(tmp_path, {"kind": "notebook", "path": "nb.ipynb", "parameters": {}}, LOCAL)
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3"}},
        "cells": [
            {"cell_type": "markdown", "source": "# Title", "metadata": {}},
            {
                "cell_type": "code",
                "source": "import asyncio\nawait asyncio.sleep(0)\nspark.range(2)",
                "metadata": {},
            },
            {"cell_type": "code", "source": "def half(x):\n    return 1 / x\n", "metadata": {}},
            {"cell_type": "code", "source": "y = 0\nhalf(y)\n", "metadata": {}},
            {"cell_type": "code", "source": "print('never')", "metadata": {}},
        ],
    }
    step.write("nb.ipynb", json.dumps(document))
    assert step.run() == 1
    failure = step.failure
    assert failure["kind"] == "user_code"
    assert failure["summary"] == "cell 4 of `nb.ipynb` failed: ZeroDivisionError: division by zero"
    assert ">    2 | half(y)" in failure["detail"]
    assert '"<nb.ipynb cell 3>", line 2, in half' in failure["detail"]
    assert "_kernel.py" not in failure["detail"], "frames of the runner are left out"
    cells = executed(step, "nb")
    assert cells[1]["outputs"][0]["data"]["text/plain"] == "DataFrame[id: bigint]"
    assert cells[3]["outputs"][-1]["ename"] == "ZeroDivisionError"
    assert "never" not in step.log


DELTA = """# Databricks notebook source
frame = spark.range(2)
try:
    spark.sql("select * from delta.`/tmp/rows`")
except Exception as error:
    print(error)

# COMMAND ----------

frame.write.format("delta").save("/tmp/rows")
"""


def test_a_delta_table_without_its_package_is_refused_with_what_to_do(tmp_path: Path) -> None:
    step = Step(tmp_path, {"kind": "notebook", "path": "nb", "parameters": {}}, LOCAL)
    step.write("nb.py", DELTA)
    assert step.run() == 1
    failure = step.failure
    assert failure["summary"].startswith("cell 2 of `nb.py` failed: ")
    assert "data source: delta" in failure["summary"]
    assert "MavenLibrary" in failure["hint"] and "`deltalake`" in failure["hint"]
    assert _failed._LACKS_DELTA.search(step.log.split("cell 2")[0]), "a table by its path"
    assert not _failed._LACKS_DELTA.search("Failed to find the data source: deltas")


SCALA = """// Databricks notebook source
// MAGIC %python
// MAGIC spark.range(4).createOrReplaceTempView("numbers")

// COMMAND ----------

case class Row2(n: Long, twice: Long)
val rows = spark.table("numbers").as[Long].map(n => Row2(n, n * 2))
rows.createOrReplaceTempView("doubled")
println("sum " + rows.collect().map(_.twice).sum + " for " + dbutils.widgets.get("who"))

// COMMAND ----------

// MAGIC %sql select max(twice) as top from doubled

// COMMAND ----------

dbutils.notebook.exit("left")
"""


def test_scala_cells_share_the_session_with_the_other_languages(tmp_path: Path) -> None:
    code = {"kind": "notebook", "path": "nb", "parameters": {"who": "me"}}
    step = Step(tmp_path, code, LOCAL)
    step.write("nb.scala", SCALA)
    assert step.run() == 0, step.log
    cells = executed(step, "nb")
    assert "sum 12 for me" in text_of(cells[1])
    assert "<td>6</td>" in text_of(cells[2])
    assert (step.state / "exit-value.txt").read_text() == "left"


def test_what_cannot_be_run_is_refused_before_spark_starts(tmp_path: Path) -> None:
    missing = Step(tmp_path / "a", {"kind": "notebook", "path": "/Shared/etll"}, LOCAL)
    missing.write("jobs/etl.py", "1")
    assert missing.run() == 1
    assert "did you mean `jobs/etl.py`?" in missing.failure["summary"]
    script = Step(tmp_path / "b", {"kind": "script", "path": "dbfs:/x.py"}, LOCAL)
    assert script.run() == 1
    assert "the script `dbfs:/x.py` is not there" in script.failure["summary"]
    jar = Step(tmp_path / "c", {"kind": "jar", "path": "a.Main"}, LOCAL)
    assert jar.run() == 1
    assert "names no JAR" in jar.failure["summary"]
    java = Step(tmp_path / "d", {"kind": "script", "path": "x.py"}, LOCAL)
    java.write("x.py", "")
    assert java.run(JAVA_HOME=str(tmp_path)) == 1
    assert "Spark needs Java" in java.failure["summary"]
    assert "Spark application" not in missing.log + script.log + jar.log + java.log
