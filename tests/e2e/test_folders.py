"""Who serves a folder is decided by the folder itself: copied, moved and deleted ones included."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from .bodies import script, shell
from .processes import belonging_to
from .project import Project
from .waiting import until


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Project]:
    """A project whose server runs, with one run."""
    (tmp_path / "first").mkdir()
    project = Project(tmp_path / "first")
    project.client.wait(project.client.submit(script(shell("s", "true")))["id"])
    yield project
    for process in belonging_to(tmp_path):
        process.kill()


def runs(project: Project) -> int:
    """How many runs the server that is found in its folder knows."""
    return len(beside(project, project.folder.name).client.get("/runs")["runs"])


def beside(project: Project, name: str) -> Project:
    """A project in another folder beside it."""
    return Project(project.folder.with_name(name))


def test_a_copy_made_of_hard_links_has_no_part_in_the_original_s_server(first: Project) -> None:
    serving = first.connect().pid
    copy = beside(first, "copy")
    subprocess.run(["cp", "-al", first.folder, copy.folder], check=True)
    assert f"process {serving}" not in copy.stepwell("doctor", code=None)
    assert "no server runs" in copy.stepwell("stop")
    assert "hard links" in copy.stepwell("connect", code=4)
    assert "hard links" in copy.stepwell("adopt", code=None)
    assert first.connect().pid == serving

    first.stepwell("stop")
    copy.client.wait(copy.client.submit(script(shell("s", "true")))["id"])
    assert (runs(first), runs(copy)) == (1, 2)
    for project in (first, copy):
        project.stepwell("stop")
        project.check_database()


def test_a_project_is_copied_while_it_is_served_by_a_tool_that_cannot_copy_sockets(
    first: Project,
) -> None:
    serving = first.connect().pid
    copy = beside(first, "copy")
    shutil.copytree(first.folder, copy.folder)
    assert f"process {serving}" not in copy.stepwell("doctor", code=None)
    copy.client.wait(copy.client.submit(script(shell("s", "true")))["id"])
    assert first.connect().pid == serving != copy.connect().pid
    called = [project.client.get("/workspace") for project in (first, copy)]
    assert [workspace["name"] for workspace in called] == ["first", "copy"]
    assert called[0]["id"] != called[1]["id"]
    assert (runs(first), runs(copy)) == (1, 2)
    for project in (first, copy):
        project.stepwell("stop")


def test_a_folder_that_is_moved_while_it_is_served_gets_a_server_of_its_own(first: Project) -> None:
    before = first.the_server()
    moved = beside(first, "moved")
    os.rename(first.folder, moved.folder)
    first.folder.mkdir()
    assert runs(first) == 0, "what is at the old place is new"
    # Its server lets go of the lock when it has noticed.
    assert runs(moved) == 1
    until(lambda: before in belonging_to(first.folder), lambda there: not there, "it has ended")
    for project in (beside(first, "first"), moved):
        assert project.client.get("/workspace")["data_folder"] == str(project.data)
        project.stepwell("stop")


def test_the_server_of_a_deleted_folder_ends_and_takes_nothing_from_the_next(
    first: Project,
) -> None:
    before = first.the_server()
    shutil.rmtree(first.data)
    after = first.connect()
    assert after.pid != before.pid
    assert runs(first) == 0
    until(lambda: before in first.processes(), lambda there: not there, "the old server has ended")
    assert first.connect() == after and Path(after.socket).exists()
    assert (first.data / "server.json").exists()
    first.stepwell("stop")
    first.check_database()
