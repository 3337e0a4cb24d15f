"""The example of the repository, with the packages of this interpreter instead of built ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pandas")
pytest.importorskip("sklearn")

ROOT = Path(__file__).resolve().parents[3]

# Building the environment is tested elsewhere, and takes minutes.
RUN = """
import runpy
from azureml.core.conda_dependencies import CondaDependencies
made = CondaDependencies
made.create = staticmethod(lambda **packages: made())
runpy.run_path("train_pipeline.py", run_name="__main__")
"""


def printed(folder: Path) -> str:
    """The last lines of the program."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(ROOT / "python")),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return "\n".join(done.stdout.splitlines()[-3:])


def test_the_example_runs_and_one_byte_reruns_one_step(project: Path) -> None:
    folder = project / "diabetes"
    shutil.copytree(ROOT / "examples" / "diabetes", folder, ignore=shutil.ignore_patterns(".*"))
    first = printed(folder)
    assert first.startswith("0 of 4 steps were reused."), first
    assert "The best model is trees with an accuracy of 9" in first, first
    assert "It is registered as diabetes, version 1." in first

    second = printed(folder)
    assert second == first.replace("0 of 4", "4 of 4"), "and says the same of the model"

    script = folder / "src" / "compare" / "compare.py"
    script.write_text(script.read_text() + "#")
    third = printed(folder)
    assert third.startswith("3 of 4 steps were reused."), third
    assert "version 2" in third
