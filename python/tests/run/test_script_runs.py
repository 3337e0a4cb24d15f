"""Scripts on the real server: what they print, log and store arrives; so does how they end."""

from __future__ import annotations

import io
import math
import os
import zipfile
from pathlib import Path

import programs
import pytest

from azureml.core import Dataset, Environment, Experiment, Run, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.exceptions import ActivityFailedException, UserErrorException


def test_what_a_script_prints_is_shown_as_it_runs(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = programs.submit(
        project, "import sys\nprint('hello', *sys.argv[1:])", arguments=["--rate", 0.1]
    )
    details = run.wait_for_completion(show_output=True)
    shown = capsys.readouterr().out
    assert "hello --rate 0.1\n" in shown and "Status: Completed" in shown
    assert details["status"] == "Completed" == run.get_status()
    assert details["runId"] == run.id and details["startTimeUtc"] and details["endTimeUtc"]
    assert "user_logs/std_log.txt" in details["logFiles"]
    assert (run.type, run.number) == ("azureml.scriptrun", 1)
    assert "hello" in run.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"]


def test_a_submitter_that_ends_a_run_which_is_over_changes_nothing(project: Path) -> None:
    with programs.submit(project, "print('done')") as run:
        run.wait_for_completion()
    run.complete()
    assert run.get_status() == "Completed"
    run.fail("too late")
    assert run.get_status() == "Completed"


def test_a_running_script_is_stopped_by_fail_and_not_by_complete(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = programs.submit(project, "import time\ntime.sleep(600)")
    run.complete()
    assert "goes on" in capsys.readouterr().err
    assert run.get_status() not in ("Completed", "Canceled")
    run.fail("it does not converge")
    assert run.get_status() == "Failed"
    assert "it does not converge" in str(run.get_details()["error"])


def test_a_script_that_says_it_failed_goes_on_and_has_failed(project: Path) -> None:
    run = programs.submit(project, "run.fail('no data', 'NoData')\nrun.log('n', 1)\nprint('on')")
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Failed"
    assert "no data" in str(run.get_details()["error"])
    assert "on\n" in run.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"]
    assert run.get_metrics() == {"n": 1}


def test_a_step_whose_script_says_it_failed_holds_back_those_after_it(project: Path) -> None:
    say = "from azureml.core import Run\nRun.get_context().fail(error_details='no data')"
    first = programs.step(project, "first", say)
    second = programs.step(project, "second", "print('ran')")
    second.run_after(first)
    run = Experiment(Workspace.from_config(), project.name).submit(
        programs.pipeline(project, first, second)
    )
    assert run.wait_for_completion(raise_on_error=False) == "Failed"
    assert "no data" in str(run.find_step_run("first")[0].get_details()["error"])
    assert run.find_step_run("second")[0].get_status() == "Canceled"


def test_a_tag_without_a_value_is_none(project: Path) -> None:
    run = Experiment(Workspace.from_config(), project.name).start_logging()
    run.tag("worth another look")
    run.tag("quality", "good")
    run.complete()
    assert run.get_tags() == {"worth another look": None, "quality": "good"} == run.tags
    found = list(run.experiment.get_runs(tags="worth another look"))
    assert [each.id for each in found] == [run.id]
    assert list(run.experiment.get_runs(tags={"quality": "bad"})) == []


def test_everything_a_script_logs_can_be_read_in_the_shapes_of_v1(project: Path) -> None:
    run = programs.submit(
        project,
        """
        run.log('accuracy', 0.75)
        for epoch in range(3):
            run.log('loss', 1 / (epoch + 1), step=epoch)
        run.log('worst', float('inf'))
        run.log('kind', 'trees')
        run.log('max_depth', None)
        run.log('best', {'depth': 3})
        run.log_list('folds', [1, 2.5])
        run.log_row('point', x=1, y=2)
        run.log_row('points', x=1, y=2)
        run.log_row('points', x=3, y=4)
        run.log_table('table', {'a': [1, 2], 'b': ['x', 'y']})
        run.log_confusion_matrix('matrix', {'data': {'matrix': [[1, 0], [0, 1]]}})
        with open('dot.png', 'wb') as image:
            image.write(b'png')
        run.log_image('dot', path='dot.png')
        """,
    )
    run.wait_for_completion()
    metrics = run.get_metrics()
    image = metrics.pop("dot")
    assert metrics == {
        "accuracy": 0.75,
        "loss": [1.0, 0.5, 1 / 3],
        "worst": math.inf,
        "kind": "trees",
        "max_depth": "None",
        "best": "{'depth': 3}",
        "folds": [1, 2.5],
        "point": {"x": 1, "y": 2},
        "points": {"x": [1, 3], "y": [2, 4]},
        "table": {"a": [1, 2], "b": ["x", "y"]},
        "matrix": {"data": {"matrix": [[1, 0], [0, 1]]}},
    }
    assert run.get_metrics("accuracy") == {"accuracy": 0.75}
    assert run.get_metrics(recursive=True)[run.id]["accuracy"] == 0.75
    assert image.rsplit("/", 1)[1] in run.get_file_names()


def test_a_script_reads_and_writes_its_own_run(project: Path) -> None:
    run = programs.submit(
        project,
        """
        import os
        os.makedirs('outputs', exist_ok=True)
        open('outputs/collected.txt', 'w').write('collected')
        open('extra.txt', 'w').write('extra')
        run.upload_file('extra/one.txt', 'extra.txt')
        run.upload_folder('folder', 'outputs')
        run.tag('stage', 'dev')
        run.set_tags({'a': 1, 'b': None})
        run.remove_tags(['b'])
        run.add_properties({'origin': 'here'})
        run.display_name = 'renamed'
        with run.child_run('child') as child:
            child.log('depth', 1)
        print(run.experiment.name, run.parent, run.get_status())
        run.complete()
        """,
    )
    run.wait_for_completion()
    assert {"outputs/collected.txt", "extra/one.txt", "folder/collected.txt"} <= set(
        run.get_file_names()
    )
    assert run.get_tags() == {"stage": "dev", "a": "1"}
    assert run.get_properties()["origin"] == "here"
    assert run.display_name == "renamed"
    (child,) = run.get_children()
    assert (child.display_name, child.get_status(), child.parent.id) == (
        "child",
        "Completed",
        run.id,
    )
    assert child.get_metrics() == {"depth": 1}
    assert run.get_metrics(recursive=True) == {child.id: {"depth": 1}}
    log = run.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"]
    assert f"{project.name} None Running" in log


def test_files_come_back_as_they_went(project: Path, tmp_path: Path) -> None:
    run = programs.submit(project, "pass")
    run.wait_for_completion()
    run.upload_file("data/a.bin", io.BytesIO(b"\x00\xff"))
    run.upload_files(["data/b.txt"], [str(project / "src" / "main.py")])
    with pytest.raises(UserErrorException, match="already"):
        run.upload_file("data/a.bin", io.BytesIO(b"other"))
    with pytest.raises(TypeError):
        run.upload_files(["a"], [])
    run.download_file("data/a.bin", str(tmp_path / "got.bin"))
    assert (tmp_path / "got.bin").read_bytes() == b"\x00\xff"
    run.download_files("data/", str(tmp_path / "all"), append_prefix=False)
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["a.bin", "b.txt"]
    with pytest.raises(UserErrorException, match="data/a.bin"):
        run.download_file("data/none")
    (log,) = [path for path in run.get_all_logs(str(tmp_path / "logs")) if "std_log" in path]
    assert Path(log).exists()


def test_a_failing_script_fails_its_run_with_the_end_of_the_traceback(project: Path) -> None:
    run = programs.submit(project, "run.log('seen', 1)\nraise ValueError('the reason why')")
    with pytest.raises(ActivityFailedException) as caught:
        run.wait_for_completion()
    assert "ValueError: the reason why" in str(caught.value)
    assert run.get_status() == "Failed"
    assert run.get_details()["error"]["error"]["code"] == "UserError"
    assert run.get_metrics() == {"seen": 1}
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Failed"


def test_a_script_that_is_canceled_stops(project: Path) -> None:
    run = programs.submit(project, "import time\nprint('up', flush=True)\ntime.sleep(600)")
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"


def test_a_thousand_metrics_logged_one_by_one_arrive_in_order(project: Path) -> None:
    run = programs.submit(
        project,
        """
        import time
        before = time.perf_counter()
        for number in range(1000):
            run.log('n', number)
        print('took', time.perf_counter() - before)
        """,
    )
    run.wait_for_completion()
    assert run.get_metrics()["n"] == list(range(1000))


def test_runs_are_found_again_by_experiment_and_by_id(project: Path) -> None:
    run = programs.submit(project, "pass")
    run.wait_for_completion()
    run.tag("wanted", "yes")
    workspace = Workspace.from_config()
    experiment = Experiment(workspace, project.name)
    assert [each.id for each in experiment.get_runs(tags={"wanted": "yes"})] == [run.id]
    assert list(experiment.get_runs(type="azureml.PipelineRun")) == []
    assert [each.id for each in Run.list(experiment, status="Completed")] == [run.id]
    assert type(Run.get(workspace, run.id)).__name__ == "ScriptRun"
    assert project.name in workspace.experiments
    with pytest.raises(UserErrorException, match="no run"):
        Run.get(workspace, "00000000-0000-0000-0000-000000000000")
    with pytest.raises(UserErrorException, match="no run"):
        Run.get(workspace, "nonsense")


def test_an_experiment_keeps_its_tags(project: Path) -> None:
    workspace = Workspace.from_config()
    experiment = Experiment(workspace, "tagged")
    experiment.set_tags({"owner": "ann", "draft": "yes"})
    experiment.tag("owner", "bob")
    experiment.tag("seen")
    experiment.remove_tags(["draft", "never there"])
    expected = {"owner": "bob", "seen": None}
    assert experiment.tags == expected
    assert Experiment(workspace, "tagged").tags == expected
    assert [each.name for each in Experiment.list(workspace, tags={"owner": "bob"})] == ["tagged"]
    assert Experiment.list(workspace, tags="draft") == []


def test_what_was_run_is_told_in_the_details(project: Path) -> None:
    workspace = Workspace.from_config()
    store = workspace.get_default_datastore()
    (project / "t.csv").write_text("a\n1\n")
    store.upload_files(["t.csv"], target_path="details", overwrite=True, show_progress=False)
    table = Dataset.Tabular.from_delimited_files((store, "details/t.csv"))
    table = table.register(workspace, "details", create_new_version=True)
    made = OutputFileDatasetConfig("made", destination=(store, "details-made-{run-id}"))
    text = """
        import os, sys
        from azureml.core import Dataset
        open(os.path.join(sys.argv[4], "f"), "w").write("x")
        assert run.output_datasets["made"] == sys.argv[4]
        Dataset.get_by_name(run.experiment.workspace, "details")
    """
    arguments = ["--rate", 0.1, table.as_named_input("train"), made.as_mount()]
    run = programs.submit(project, text, arguments=arguments)
    run.wait_for_completion(show_output=False)
    details = run.get_details()
    definition = details["runDefinition"]
    assert definition["script"] == "main.py"
    assert definition["arguments"][:2] == ["--rate", "0.1"]
    assert definition["arguments"][3] == "$AZUREML_DATAREFERENCE_made"
    assert definition["data"]["train"]["mechanism"] == "Mount"
    used = [(each["dataset"].name, each["consumptionDetails"]) for each in details["inputDatasets"]]
    assert used == [
        ("details", {"type": "RunInput", "inputName": "train", "mechanism": "Direct"}),
        ("details", {"type": "Reference"}),
    ]
    (output,) = details["outputDatasets"]
    assert output["outputDetails"] == {"outputName": "made"}
    assert output["dataset"].to_path() == ["/f"]
    assert details["properties"]["ContentSnapshotId"] == run.get_snapshot_id()
    assert not [name for name in details["properties"] if name.startswith("stepwell.")]
    assert details["submittedBy"] and details["startTimeUtc"]


def test_a_script_that_an_ignore_file_leaves_out_is_refused_before_it_runs(project: Path) -> None:
    programs.write(project, "util.py", "")
    (project / "src" / ".amlignore").write_text("main.*\n")
    with pytest.raises(UserErrorException, match="its script `main.py` is not among the files"):
        programs.submit(project, "")


def test_an_environment_is_built_when_it_is_asked_for(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.from_config()
    environment = Environment("built-now")
    environment.python.conda_dependencies = CondaDependencies()
    building = environment.build(workspace)
    assert building.wait_for_completion(show_output=False).status == "Succeeded"
    environment.python.conda_dependencies.add_pip_package("./no-such-1.0-py3-none-any.whl")
    failing = environment.build(workspace)
    with pytest.raises(ActivityFailedException, match="no-such-1.0"):
        failing.wait_for_completion()
    assert failing.status == "Failed"


def test_an_environment_can_be_given_by_its_name(project: Path) -> None:
    workspace = Workspace.from_config()
    environment = Environment("named-environment")
    environment.environment_variables["WHERE"] = "north"
    environment.register(workspace)
    configuration = RunConfiguration()
    configuration.environment = "named-environment"  # type: ignore[assignment]
    text = "import os\nprint(os.environ['WHERE'])"
    run = programs.submit(project, text, run_config=configuration)
    run.wait_for_completion(show_output=False)
    assert run.get_status() == "Completed"


def test_the_environment_of_a_run_can_be_read_back(project: Path) -> None:
    run = programs.submit(project, "print('x')")
    assert run.get_environment().python.user_managed_dependencies
    run.wait_for_completion()
    opened = Experiment(Workspace.from_config(), project.name).start_logging()
    opened.complete()
    with pytest.raises(UserErrorException, match="no environment of its own"):
        opened.get_environment()


def test_the_files_that_a_run_was_started_with_are_restored_as_a_zip(project: Path) -> None:
    (project / "src" / "deep").mkdir(parents=True)
    (project / "src" / "deep" / "a name, \u00fc.txt").write_text("kept")
    run = programs.submit(project, "print('x')")
    run.wait_for_completion()
    place = run.restore_snapshot(path=str(project / "snapshots"))
    assert place == str(project / "snapshots" / (str(run.get_snapshot_id()) + ".zip"))
    with zipfile.ZipFile(place) as archive:
        assert sorted(archive.namelist()) == ["deep/a name, \u00fc.txt", "main.py"]
        assert archive.read("deep/a name, \u00fc.txt") == b"kept"
    assert os.listdir(project / "snapshots") == [os.path.basename(place)]
    opened = Experiment(Workspace.from_config(), project.name).start_logging()
    opened.complete()
    with pytest.raises(UserErrorException, match="no snapshot"):
        opened.restore_snapshot()
