"""U-SQL scripts as steps, on the real server, by the real `stepwell-usql`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import programs
import pytest

from azureml.core import Experiment, Workspace
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import AdlaStep

COUNT = """
@log = EXTRACT user string, seconds int FROM "@@log@@" USING Extractors.Csv();
@sum = SELECT user, SUM(seconds) AS total FROM @log WHERE seconds > @@least@@ GROUP BY user;
OUTPUT @sum TO "@@counts@@" ORDER BY user USING Outputters.Csv(quoting: false);
"""


def pipeline(project: Path, script: str, **options: Any) -> Any:
    """A script over a file of the default datastore, and a Python step that reads its output."""
    workspace = Workspace.from_config()
    store = workspace.get_default_datastore()
    log = project / "log.csv"
    log.write_text("ann,1\nbob,20\nann,30\nann,40\n")
    store.upload_files([str(log)], target_path=project.name, show_progress=False)
    source = DataReference(store, "log", path_on_datastore=project.name + "/log.csv")
    counts = PipelineData("counts", datastore=store)
    programs.write(project, "count.usql", script)
    usql = AdlaStep(
        "count.usql",
        source_directory=str(project / "src"),
        inputs=[source],
        outputs=[counts],
        params={"least": PipelineParameter("least", 5)},
        compute_target="adla",
        **options,
    )
    read = programs.step(
        project,
        "read",
        "import sys; from azureml.core import Run\n"
        "Run.get_context().log('rows', len(open(sys.argv[1]).readlines()))\n"
        "print(open(sys.argv[1]).read())",
        arguments=[counts],
        inputs=[counts],
    )
    return Experiment(workspace, project.name), Pipeline(workspace, steps=[usql, read])


def test_a_script_reads_and_writes_ports_and_takes_parameters(project: Path) -> None:
    experiment, made = pipeline(project, COUNT)
    run = experiment.submit(made, pipeline_parameters={"least": 10})
    assert run.wait_for_completion(show_output=False) == "Finished"
    steps = {step.name: step for step in run.get_steps()}
    assert steps["read"].get_metrics() == {"rows": 2}
    assert steps["count.usql"].get_metrics() == {"rows_read": 4, "rows_written": 2}
    again = experiment.submit(made, pipeline_parameters={"least": 10})
    again.wait_for_completion(show_output=False)
    reused = {
        step.name: step.get_properties().get("azureml.reusedrunid") for step in again.get_steps()
    }
    assert reused["count.usql"] == steps["count.usql"].id


def test_what_is_wrong_with_a_script_is_the_failure_of_its_step(project: Path) -> None:
    wrong = COUNT.replace("SUM(seconds)", "SUM(secnods)")
    experiment, made = pipeline(project, wrong, degree_of_parallelism=1)
    run = experiment.submit(made)
    with pytest.raises(Exception, match="there is no column `secnods`"):
        run.wait_for_completion(show_output=False)


def test_a_script_that_is_cancelled_ends_at_once_and_leaves_nothing(project: Path) -> None:
    # 4 to the power of 20 rows: it would take days.
    more = " ".join(f"CROSS JOIN @log AS l{number}" for number in range(1, 20))
    endless = f"""
@log = EXTRACT user string, seconds int FROM "@@log@@" USING Extractors.Csv();
@sum = SELECT COUNT(*) AS n, MAX(@@least@@) AS least FROM @log AS l0 {more};
OUTPUT @sum TO "@@counts@@" USING Outputters.Csv();
"""
    experiment, made = pipeline(project, endless)
    run = experiment.submit(made)
    (usql,) = programs.wait_for(
        lambda: [step for step in run.get_steps() if step.get_status() == "Running"]
    )
    run.cancel()
    assert run.wait_for_completion(show_output=False) == "Canceled"
    assert usql.get_status() == "Canceled" and usql.get_metrics() == {}
    store = Workspace.from_config().get_default_datastore()
    left = store.download(str(project / "left"), "azureml/" + usql.id, show_progress=False)
    assert left == 0, list((project / "left").rglob("*"))


def test_other_paths_and_tables_belong_to_the_workspace(project: Path) -> None:
    workspace = Workspace.from_config()
    store = workspace.get_default_datastore()
    (project / "log.csv").write_text("ann,1\nbob,20\n")
    store.upload_files([str(project / "log.csv")], target_path="logs", show_progress=False)
    programs.write(
        project,
        "keep.usql",
        "CREATE DATABASE IF NOT EXISTS Kept; USE Kept;\n"
        "DROP TABLE IF EXISTS Log;\n"
        "CREATE TABLE Log (user string, seconds int, INDEX i CLUSTERED (user));\n"
        '@log = EXTRACT user string, seconds int FROM "/logs/log.csv" USING Extractors.Csv();\n'
        "INSERT INTO Log SELECT * FROM @log;\n",
    )
    programs.write(
        project,
        "read.usql",
        "@r = SELECT user FROM Kept.dbo.Log WHERE seconds > 5;\n"
        'OUTPUT @r TO "/made/users.csv" USING Outputters.Csv(quoting: false);\n',
    )

    def script(name: str) -> Any:
        folder = str(project / "src")
        return AdlaStep(name, source_directory=folder, compute_target="adla", allow_reuse=False)

    keep, read = script("keep.usql"), script("read.usql")
    read.run_after(keep)
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, steps=[read]))
    assert run.wait_for_completion(show_output=False) == "Finished"
    store.download(str(project / "got"), prefix="made", show_progress=False)
    assert (project / "got" / "made" / "users.csv").read_bytes() == b"bob\r\n"


def test_a_name_that_stands_for_nothing_is_an_error(project: Path) -> None:
    experiment, made = pipeline(project, COUNT.replace("@@least@@", "@@lesst@@"))
    run = experiment.submit(made)
    with pytest.raises(Exception, match="@@lesst@@"):
        run.wait_for_completion(show_output=False)
