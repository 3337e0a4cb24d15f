"""Scripts on the real server: what they print, log and store arrives, and how they end is told."""

from __future__ import annotations

import io
import math
from pathlib import Path

import programs
import pytest

from azureml.core import Experiment, Run, Workspace
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


def test_everything_a_script_logs_can_be_read_in_the_shapes_of_v1(project: Path) -> None:
    run = programs.submit(
        project,
        """
        run.log('accuracy', 0.75)
        for epoch in range(3):
            run.log('loss', 1 / (epoch + 1), step=epoch)
        run.log('worst', float('inf'))
        run.log('kind', 'trees')
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
    assert "{} None Running".format(project.name) in log


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
