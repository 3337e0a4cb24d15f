"""Steps on Spark in pipelines: the real server, the SDK as programs use it, and real Spark."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, List

import pandas as pd
import pytest
from worker import QUICK, until

from azureml.core import Dataset, Experiment, Workspace
from azureml.data import HDFSOutputDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import DatabricksStep, PythonScriptStep, SynapseSparkStep
from stepwell import spark

MAKE = """
import sys, pandas
from pathlib import Path
Path(sys.argv[1]).mkdir(parents=True)
pandas.DataFrame({"n": range(5)}).to_parquet(sys.argv[1] + "/a.parquet")
"""
SCALE = """# Databricks notebook source
dbutils.widgets.text("factor", "1")

# COMMAND ----------

import os, time
numbers = spark.read.parquet(dbutils.widgets.get("numbers"))
gate = dbutils.widgets.getArgument("gate", "")
while gate and not os.path.exists(gate):
    time.sleep(0.05)

# COMMAND ----------

scaled = numbers.selectExpr("n * {} as n".format(dbutils.widgets.get("factor")))
scaled.write.parquet(dbutils.widgets.get("scaled"))
display(scaled)
"""
USE = """
import sys, pandas
print("the sum is", pandas.read_parquet(sys.argv[1])["n"].sum())
"""
TITANIC = """
import argparse
from azureml.core import Run
from pyspark.sql import SparkSession
parser = argparse.ArgumentParser()
parser.add_argument("--file_input")
parser.add_argument("--output_dir")
args = parser.parse_args()
spark = SparkSession.builder.getOrCreate()
table = Run.get_context().input_datasets["table"].to_spark_dataframe()
files = spark.read.option("header", "true").csv(args.file_input)
print("rows", table.count(), files.count(), spark.conf.get("spark.driver.memory"))
table.coalesce(1).write.option("header", "true").csv(args.output_dir)
"""


@pytest.fixture
def workspace(project: Path) -> Workspace:
    """The workspace of a fresh folder, with a target that starts Spark quickly."""
    workspace = Workspace.from_config()
    spark.configure(workspace, "dbc", master="local[2]", conf=QUICK, warm_seconds=20)
    source = project / "src"
    source.mkdir()
    for name, text in (("make", MAKE), ("scale", SCALE), ("use", USE), ("titanic", TITANIC)):
        (source / (name + ".py")).write_text(text)
    return workspace


def scaling(workspace: Workspace, **kwargs: Any) -> List[Any]:
    """A script that makes numbers, a notebook that scales them, a script that adds them up."""
    numbers, scaled = PipelineData("numbers"), PipelineData("scaled")
    make = PythonScriptStep(
        "make.py",
        arguments=[numbers],
        outputs=[numbers],
        source_directory="src",
        compute_target="cpu",
    )
    scale = DatabricksStep(
        name="scale",
        notebook_path="/Shared/scale",
        source_directory="src",
        notebook_params={"factor": PipelineParameter("factor", "2"), **kwargs},
        inputs=[numbers],
        outputs=[scaled],
        num_workers=1,
        compute_target="dbc",
    )
    use = PythonScriptStep(
        "use.py",
        arguments=[scaled],
        inputs=[scaled],
        source_directory="src",
        compute_target="cpu",
    )
    return [make, scale, use]


def submitted(workspace: Workspace, steps: List[Any], **kwargs: Any) -> Any:
    return Experiment(workspace, "spark").submit(Pipeline(workspace, steps), **kwargs)


def log_of(run: Any, step: str) -> str:
    (found,) = run.find_step_run(step)
    text: str = found.get_job_log()
    return text


def test_data_passes_through_a_notebook_and_an_equal_one_is_reused(workspace: Workspace) -> None:
    run = submitted(workspace, scaling(workspace), pipeline_parameters={"factor": "3"})
    assert run.wait_for_completion(show_output=False, raise_on_error=False) == "Finished", log_of(
        run, "scale"
    )
    assert "the sum is 30" in log_of(run, "use.py")
    (scale,) = run.find_step_run("scale")
    assert {"outputs/scale.ipynb", "outputs/scale.html"} <= set(scale.get_file_names())
    assert any("spark-events" in name for name in scale.get_file_names())
    again = submitted(workspace, scaling(workspace), pipeline_parameters={"factor": "3"})
    assert again.wait_for_completion(show_output=False) == "Finished"
    (reused,) = again.find_step_run("scale")
    assert reused.get_properties().get("azureml.isreused") == "true"


DELTA = """# Databricks notebook source
from deltalake import DeltaTable, write_deltalake
numbers = spark.createDataFrame(DeltaTable(dbutils.widgets.get("table")).to_pyarrow_table())
write_deltalake(dbutils.widgets.get("scaled"), numbers.selectExpr("n * 2 as n").toArrow())
"""
WRITE_DELTA = """
import sys, pandas
from deltalake import write_deltalake
for first in (0, 5):
    rows = pandas.DataFrame({"n": range(first, first + 5)})
    write_deltalake(sys.argv[1], rows, mode="append")
"""
READ_DELTA = """
import sys
from deltalake import DeltaTable
print("the sum is", DeltaTable(sys.argv[1]).to_pandas()["n"].sum())
"""


def test_delta_tables_pass_between_scripts_and_notebooks_on_spark(workspace: Workspace) -> None:
    texts = {"write": WRITE_DELTA, "delta": DELTA, "read": READ_DELTA}
    for name, text in texts.items():
        (Path("src") / (name + ".py")).write_text(text)
    table, scaled = PipelineData("table"), PipelineData("scaled")
    write = PythonScriptStep(
        "write.py",
        arguments=[table],
        outputs=[table],
        source_directory="src",
        compute_target="cpu",
    )
    scale = DatabricksStep(
        name="scale",
        notebook_path="delta",
        source_directory="src",
        inputs=[table],
        outputs=[scaled],
        num_workers=1,
        compute_target="dbc",
    )
    read = PythonScriptStep(
        "read.py",
        arguments=[scaled],
        inputs=[scaled],
        source_directory="src",
        compute_target="cpu",
    )
    run = submitted(workspace, [write, scale, read])
    status = run.wait_for_completion(show_output=False, raise_on_error=False)
    assert status == "Finished", log_of(run, "scale")
    assert "the sum is 90" in log_of(run, "read.py")


def test_a_notebook_goes_on_when_the_server_is_killed(
    workspace: Workspace, project: Path, served: Path
) -> None:
    gate = project / "gate"
    run = submitted(workspace, scaling(workspace, gate=str(gate)), regenerate_outputs=True)
    until(lambda: log_of(run, "scale"), lambda log: "cell 2 (python)" in log, "the notebook runs")
    shown = subprocess.run(
        [os.environ["STEPWELL_BIN"], "connect", "--folder", str(served), "--json"],
        stdout=subprocess.PIPE,
        check=True,
    )
    os.kill(json.loads(shown.stdout)["pid"], signal.SIGKILL)
    gate.write_text("")
    assert run.wait_for_completion(show_output=False) == "Finished"
    assert "the sum is 20" in log_of(run, "use.py")
    assert log_of(run, "scale").count("cell 2 (python)") == 1, "it was not run again"


def test_the_next_step_finds_the_jvm_and_none_of_the_views_of_the_one_before(
    workspace: Workspace,
) -> None:
    (Path("src") / "view.py").write_text(
        "# Databricks notebook source\n"
        "print('there were', [each.name for each in spark.catalog.listTables()])\n"
        "spark.range(1).createOrReplaceTempView('mine')\n"
    )
    steps = [
        DatabricksStep(
            name=name,
            notebook_path="view",
            source_directory="src",
            notebook_params={"number": name},
            num_workers=1,
            compute_target="dbc",
        )
        for name in ("one", "two")
    ]
    steps[1].run_after(steps[0])
    run = submitted(workspace, steps)
    assert run.wait_for_completion(show_output=False) == "Finished"
    assert "there were []" in log_of(run, "one") and "there were []" in log_of(run, "two")
    assert "in a JVM that was there" in log_of(run, "two")


def test_a_failing_notebook_fails_its_run_with_the_cell(workspace: Workspace) -> None:
    notebook = Path("src") / "broken.sql"
    notebook.write_text(
        "-- Databricks notebook source\nselect 1\n\n-- COMMAND ----------\n\nselect absent from x\n"
    )
    step = DatabricksStep(
        name="broken",
        notebook_path="broken",
        source_directory="src",
        num_workers=1,
        compute_target="dbc",
    )
    run = submitted(workspace, [step])
    run.wait_for_completion(show_output=False, raise_on_error=False)
    (broken,) = run.find_step_run("broken")
    details = json.dumps(broken.get_details())
    assert "cell 2 of `broken.sql` failed: AnalysisException" in details


def test_a_synapse_step_reads_datasets_and_writes_one(workspace: Workspace, project: Path) -> None:
    table = project / "table.csv"
    pd.DataFrame({"a": [1, 2, 3]}).to_csv(table, index=False)
    store = workspace.get_default_datastore()
    path = "titanic-" + project.name
    store.upload_files([str(table)], target_path=path)
    files = Dataset.File.from_files([(store, path + "/table.csv")])
    rows = Dataset.Tabular.from_delimited_files([(store, path + "/table.csv")])
    out = HDFSOutputDatasetConfig("rows", destination=(store, path + "/out"))
    step = SynapseSparkStep(
        name="titanic",
        file="titanic.py",
        source_directory="src",
        inputs=[rows.as_named_input("table"), files.as_named_input("files").as_hdfs()],
        outputs=[out],
        arguments=[
            "--file_input",
            files.as_named_input("files").as_hdfs(),
            "--output_dir",
            out,
        ],
        compute_target="dbc",
        driver_memory="768m",
        driver_cores=1,
        executor_memory="512m",
        executor_cores=1,
        num_executors=1,
    )
    run = submitted(workspace, [step])
    status = run.wait_for_completion(show_output=False, raise_on_error=False)
    assert status == "Finished", log_of(run, "titanic")
    assert "rows 3 3 768m" in log_of(run, "titanic")
    written = Dataset.Tabular.from_delimited_files([(store, path + "/out/*.csv")])
    assert sorted(written.to_pandas_dataframe()["a"]) == [1, 2, 3]
