"""Pipelines on the real server, submitted and waited for as v1 programs do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import programs
import pytest

from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import ActivityFailedException, ExperimentExecutionException
from azureml.pipeline.core import PipelineData, PipelineRun, StepRun
from azureml.widgets import RunDetails
from stepwell import _follow


def _submit(project: Path, *steps: Any, **options: Any) -> PipelineRun:
    experiment = Experiment(Workspace.from_config(), project.name)
    run = experiment.submit(programs.pipeline(project, *steps), **options)
    assert isinstance(run, PipelineRun)
    return run


def test_data_passes_from_step_to_step_and_the_run_finishes(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = PipelineData("letters", datastore=Workspace.from_config().get_default_datastore())
    programs.step(
        project,
        "make",
        """
        import os, sys
        os.makedirs(sys.argv[1], exist_ok=True)
        open(os.path.join(sys.argv[1], 'a.txt'), 'w').write('abc')
        print('made it')
        """,
        arguments=[data],
        outputs=[data],
    )
    use = programs.step(
        project,
        "use",
        """
        import os, sys
        from azureml.core import Run
        run = Run.get_context()
        text = open(os.path.join(sys.argv[1], 'a.txt')).read()
        run.log('letters', len(text))
        run.parent.log('all', len(text))
        print('read', text)
        """,
        arguments=[data],
        inputs=[data],
    )
    run = _submit(project, use)
    assert run.wait_for_completion(show_output=True) == "Finished"
    shown = capsys.readouterr().out
    wanted = (
        r"PipelineRunId: .*PipelineRun Status: Running.*"
        r"StepRun\( make \) Status: Running\nmade it\nStepRun\( make \) Status: Finished.*"
        r"read abc\nStepRun\( use \) Status: Finished.*"
        r"PipelineRun Execution Summary\n=+\nPipelineRun Status: Finished"
    )
    assert re.search(wanted, shown, re.DOTALL), shown

    assert run.get_status() == "Finished" and run.status == "Completed"
    assert run.get_details()["status"] == "Completed"
    assert [step.name for step in run.get_steps()] == ["use", "make"]  # v1: the newest first
    (found,) = run.find_step_run("use")
    assert isinstance(found, StepRun) and isinstance(found.parent, PipelineRun)
    assert found.get_status() == "Finished" and found.pipeline_run_id == run.id
    assert found.get_metrics() == {"letters": 3} and run.get_metrics() == {"all": 3}
    assert found.properties["StepType"] == "PythonScriptStep"
    assert found.get_properties()["azureml.pipelinerunid"] == run.id
    assert "StepType" not in run.get_properties()
    assert "read abc" in found.get_stdout_log()
    (producer,) = run.find_step_run("make")
    assert producer.get_output_data("letters").download(str(tmp_path / "out")) == 1
    assert [path.read_text() for path in (tmp_path / "out").rglob("a.txt")] == ["abc"]


def test_a_step_is_found_by_its_name_in_the_pipeline_whatever_its_run_is_called(
    project: Path,
) -> None:
    renamed = """
        from azureml.core import Run
        Run.get_context().display_name = 'other'
        """
    steps = [programs.step(project, name, renamed) for name in ("first", "second")]
    run = _submit(project, *steps)
    run.wait_for_completion(show_output=False)
    assert [step.display_name for step in run.get_steps()] == ["other", "other"]
    for made in steps:
        (found,) = run.find_step_run(made.name)
        assert found.get_details()["runDefinition"]["script"] == f"{made.name}.py"
    assert run.find_step_run("other") == []


def test_the_lines_of_parallel_steps_carry_their_names(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meet = """
        import os, pathlib, sys, time
        here, there = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
        here.write_text('')
        deadline = time.monotonic() + 60
        while not there.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        print('met')
        time.sleep(0.3)
        """
    places = [str(project / "left"), str(project / "right")]
    left = programs.step(project, "left", meet, arguments=places)
    right = programs.step(project, "right", meet, arguments=places[::-1])
    assert _submit(project, left, right).wait_for_completion() == "Finished"
    shown = capsys.readouterr().out
    assert "[left] met\n" in shown and "[right] met\n" in shown


def test_a_failing_step_names_itself_and_stops_what_depends_on_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = programs.step(project, "bad", "raise RuntimeError('broken on purpose')")
    after = programs.step(project, "after", "print('never')")
    after.run_after(bad)
    run = _submit(project, after)
    with pytest.raises(ActivityFailedException) as caught:
        run.wait_for_completion(show_output=True)
    assert "`bad`" in str(caught.value) and "broken on purpose" in str(caught.value)
    shown = capsys.readouterr().out
    assert (shown + str(caught.value)).count("Traceback") == 1
    assert "StepRun( bad ) Status: Failed" in shown and "never" not in shown
    assert run.get_status() == "Failed"
    assert run.wait_for_completion(show_output=False, raise_on_error=False) == "Failed"
    assert [step.status for step in run.get_steps()] == ["Canceled", "Failed"]
    with pytest.raises(ActivityFailedException, match="broken on purpose"):
        run.find_step_run("bad")[0].wait_for_completion(show_output=False)


def test_waiting_ends_at_its_time_and_the_run_can_be_canceled(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _submit(project, programs.step(project, "slow", "import time\ntime.sleep(600)"))
    run.wait_for_completion(timeout_seconds=1)
    assert "Timed out" in capsys.readouterr().out
    run.cancel()
    assert run.wait_for_completion(show_output=False) == "Canceled"


def test_an_interrupted_wait_says_that_the_run_goes_on(project: Path, monkeypatch: Any) -> None:
    from stepwell import _follow

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    run = _submit(project, programs.step(project, "quick", "pass"))
    with monkeypatch.context() as patch:
        patch.setattr(_follow, "follow", interrupted)
        with pytest.raises(ExperimentExecutionException, match="stepwell cancel " + run.id):
            run.wait_for_completion(show_output=True)
    assert run.wait_for_completion(show_output=False) == "Finished"


def test_a_run_that_is_over_can_still_be_watched(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _submit(project, programs.step(project, "once", "print('said once')"), tags={"k": "v"})
    run.wait_for_completion(show_output=False)
    assert capsys.readouterr().out.count("said once") == 0
    again = Run.get(Workspace.from_config(), run.id)
    assert again.tags == {"k": "v"}
    again.wait_for_completion(show_output=True)
    shown = capsys.readouterr().out
    assert shown.count("said once\n") == 1 and "Running" not in shown


def test_a_plain_view_is_a_table_of_the_steps(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _submit(project, programs.step(project, "once", "pass"))
    run.wait_for_completion(show_output=False)
    RunDetails(run).show()
    shown = capsys.readouterr().out
    assert re.search(r"^  once +Completed +\d", shown, re.MULTILINE), shown


@pytest.mark.parametrize("method", ["complete", "fail", "child_run"])
def test_a_pipeline_is_not_ended_by_hand(project: Path, method: str) -> None:
    run = PipelineRun(Experiment(Workspace("s", "g", "w"), "e"), "r")
    with pytest.raises(NotImplementedError):
        getattr(run, method)()


def test_a_step_is_cancelled_alone(project: Path) -> None:
    slow = programs.step(project, "slow", "import time\nprint('on', flush=True)\ntime.sleep(600)")
    other = programs.step(project, "other", "print('other ran')")
    run = _submit(project, slow, other, continue_on_step_failure=True)
    (step,) = run.find_step_run("slow")
    assert next(_follow.tail(run._client, step.id)) == "on"
    step.cancel()
    assert run.wait_for_completion(show_output=False, raise_on_error=False) == "Canceled"
    states = {each.name: each.get_status() for each in run.get_steps()}
    assert states == {"slow": "Canceled", "other": "Finished"}
