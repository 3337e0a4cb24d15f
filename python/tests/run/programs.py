"""Small programs that tests run for real."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Callable

from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

PACKAGES = str(Path(__file__).resolve().parents[2])


def write(project: Path, name: str, text: str) -> str:
    """A script in the project's `src` folder; returns its name."""
    folder = project / "src"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(textwrap.dedent(text))
    return name


def submit(project: Path, text: str, **options: Any) -> Any:
    """A script run of `text`, which sees the run as `run`."""
    write(project, "main.py", "from azureml.core import Run\nrun = Run.get_context()\n" + _(text))
    config = ScriptRunConfig(source_directory=str(project / "src"), script="main.py", **options)
    return Experiment(Workspace.from_config(), project.name).submit(config)


def pipeline(project: Path, *steps: PythonScriptStep, **options: Any) -> Any:
    """A pipeline of the project's workspace."""
    return Pipeline(Workspace.from_config(), steps=list(steps), **options)


def step(project: Path, name: str, text: str, **options: Any) -> PythonScriptStep:
    """A step that runs `text`."""
    script = write(project, name + ".py", text)
    options.setdefault("compute_target", "aml-cluster")
    source = str(project / "src")
    return PythonScriptStep(script, name=name, source_directory=source, **options)


def python(project: Path, text: str) -> "subprocess.CompletedProcess[str]":
    """What a program of its own process does, run in the project's folder."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        cwd=project,
        env=dict(os.environ, PYTHONPATH=PACKAGES),
        capture_output=True,
        text=True,
        timeout=120,
    )


def wait_for(is_so: Callable[[], Any], seconds: float = 120) -> Any:
    """What `is_so` gives, as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)
    return found


def _(text: str) -> str:
    return textwrap.dedent(text)
