"""The kill loop as a test: `STEPWELL_KILL_ROUNDS` and `STEPWELL_KILL_SEED` choose another one."""

from __future__ import annotations

import os
import random

from . import bodies
from .disturbances import Disturbances
from .kill_loop import KillLoop
from .project import Project


def test_whoever_is_killed_no_step_is_lost_none_runs_twice_and_nothing_is_left(
    project: Project,
) -> None:
    rounds = int(os.environ.get("STEPWELL_KILL_ROUNDS", 50))
    fresh = random.SystemRandom().randrange(1 << 32)
    seed = int(os.environ.get("STEPWELL_KILL_SEED", fresh))
    print(f"repeat with STEPWELL_KILL_ROUNDS={rounds} STEPWELL_KILL_SEED={seed}")
    print(KillLoop(project, rounds, seed).run())


def test_a_copy_of_a_folder_in_which_nothing_goes_on_is_served_and_stopped(
    project: Project,
) -> None:
    run = project.client.submit(bodies.pipeline(bodies.shell("one", "true")))["id"]
    project.client.wait(run)
    assert Disturbances(project, None, random.Random(1)).strike("copy")
    assert not [it for it in project.servers() if str(project.folder / "copy") in str(it.argv)]
