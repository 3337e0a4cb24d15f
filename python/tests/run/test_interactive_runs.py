"""Runs that a program opens itself."""

from __future__ import annotations

from pathlib import Path

import programs
import pytest

from azureml.core import Experiment, Workspace
from azureml.exceptions import UserErrorException

OPEN = """
    from azureml.core import Experiment, Workspace
    run = Experiment(Workspace.from_config(), {name!r}).start_logging()
    run.log('n', 1)
    open('outputs/model.txt', 'w').write('m')
    """


def _experiment(project: Path) -> Experiment:
    return Experiment(Workspace.from_config(), project.name)


def test_a_block_completes_its_run_or_fails_it(project: Path) -> None:
    experiment = _experiment(project)
    with experiment.start_logging(display_name="mine") as run:
        run.log("n", 1)
        assert run.get_status() == "Running"
    assert (run.get_status(), run.display_name, run.get_metrics()) == (
        "Completed",
        "mine",
        {"n": 1},
    )
    with pytest.raises(ZeroDivisionError):
        with experiment.start_logging() as failed:
            raise ZeroDivisionError("by zero")
    assert failed.get_status() == "Failed"
    assert "by zero" in failed.get_details()["error"]["error"]["message"]


@pytest.mark.parametrize(
    ("ending", "status"), [("", "Completed"), ("raise KeyError('lost')", "Failed")]
)
def test_the_end_of_the_program_is_the_end_of_the_run(
    project: Path, ending: str, status: str
) -> None:
    done = programs.python(project, OPEN.format(name=project.name) + "\n    " + ending)
    (run,) = _experiment(project).get_runs()
    assert run.get_status() == status, done.stderr
    assert run.get_metrics() == {"n": 1}
    assert run.get_file_names() == ["outputs/model.txt"]


def test_children_come_by_count_or_by_tag(project: Path) -> None:
    with _experiment(project).start_logging() as run:
        assert len(run.create_children(count=2)) == 2
        tagged = run.create_children(tag_key="fold", tag_values=["a", "b"])
        for child in tagged:
            child.complete()
        assert [child.tags for child in tagged] == [{"fold": "a"}, {"fold": "b"}]
        assert {child.id for child in run.get_children(tags={"fold": "a"})} == {tagged[0].id}
        with pytest.raises(UserErrorException):
            run.create_children(count=1, tag_key="fold")
        with pytest.raises(UserErrorException):
            run.create_children(count=101)


def test_a_run_remembers_the_files_it_was_opened_with(project: Path) -> None:
    programs.write(project, "a.py", "pass")
    experiment = _experiment(project)
    with experiment.start_logging(snapshot_directory=str(project / "src")) as run:
        digest = run.get_snapshot_id()
    with experiment.start_logging(snapshot_directory=str(project / "src")) as again:
        assert digest and again.get_snapshot_id() == digest


def test_what_was_uploaded_is_told_by_name(project: Path) -> None:
    (project / "folder").mkdir()
    (project / "folder" / "b.txt").write_text("b")
    (project / "a.txt").write_text("a")
    with _experiment(project).start_logging(outputs=False) as run:
        one = run.upload_file(name="cloud.txt", path_or_stream="./a.txt")
        more = run.upload_folder("kept", "folder")
    assert one.serialize()["artifacts"]["cloud.txt"]["artifactId"] == (
        f"ExperimentRun/dcid.{run.id}/cloud.txt"
    )
    assert list(more.artifacts) == ["kept/b.txt"]
    assert {"cloud.txt", "kept/b.txt"} <= set(run.get_file_names())
