"""What of Azure ML a program uses, read without running it."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from pathlib import Path
from typing import Dict, Tuple

import pytest

from stepwell import _compatibility as compatibility

PROGRAM = """
import os
from azureml.core import Workspace, Experiment
from azureml.core.nowhere import Thing
from azureml.interpret import ExplanationClient
from azureml.pipeline.core import Pipeline, PipelineData, NoSuchName
from azureml.train.hyperdrive import HyperDriveConfig

raise SystemExit("a program that is read is not run")
ws = Workspace.from_config()
data = PipelineData("data", datastor="blob")
pipeline = Pipeline(workspace=ws, steps=[])
pipeline.submit("e", regenerate_outputs=True)
pipeline.no_such_method()
data.name
ws.get_default_datastore()
"""


def states(text: str, folder: Path) -> Dict[str, Tuple[str, str]]:
    (folder / "program.py").write_text(textwrap.dedent(text))
    found, _ = compatibility.examine(str(folder / "program.py"))
    return {each.use.name: (each.use.state, each.use.note) for each in found}


def test_each_name_works_differs_or_is_missing(tmp_path: Path) -> None:
    found = states(PROGRAM, tmp_path)
    assert found["azureml.core.Workspace"] == ("works", "")
    assert found["azureml.train.hyperdrive.HyperDriveConfig"] == ("differs", "docs/hyperdrive.md")
    missing = {name for name, (state, _) in found.items() if state == "missing"}
    assert missing == {
        "azureml.core.nowhere.Thing",
        "azureml.interpret.ExplanationClient",
        "azureml.pipeline.core.NoSuchName",
        "PipelineData(datastor=)",
        "Pipeline.no_such_method",
    }
    assert "run.upload_file" in found["azureml.interpret.ExplanationClient"][1]
    assert found["PipelineData.name"][0] == found["Pipeline.submit"][0] == "works"


def test_a_program_that_works_has_nothing_missing(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    found, unreadable = compatibility.examine(str(root / "examples"))
    assert [each.use.name for each in found if each.use.state == "missing"] == []
    assert found and unreadable == []


def test_notebooks_are_read_and_what_is_no_python_is_named(tmp_path: Path) -> None:
    cell = {
        "cell_type": "code",
        "source": ["%matplotlib inline\n", "from azureml.core import Rin\n"],
    }
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "b.py").write_text("def broken(:\n")
    found, unreadable = compatibility.examine(str(tmp_path))
    assert [each.use.name for each in found] == ["azureml.core.Rin"]
    assert found[0].places[0].endswith("a.ipynb:2")
    assert [os.path.basename(each) for each in unreadable] == ["b.py"]


def test_the_report_counts_and_ends_with_a_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text("from azureml.core import Workspace, Nothing\n")
    assert compatibility.main([str(tmp_path)]) == 1
    assert "2 names of Azure ML: 1 work, 0 differ, 1 are missing" in capsys.readouterr().out
    (tmp_path / "a.py").write_text("from azureml.core import Workspace\n")
    assert compatibility.main([str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missing"] == 0


def test_the_command_reads_a_program(served: Path, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from azureml.core import Nothing\n")
    done = subprocess.run(
        [os.environ["STEPWELL_BIN"], "doctor", str(tmp_path / "a.py")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert done.returncode == 1, done.stderr
    assert "azureml.core.Nothing" in done.stdout


def test_what_only_some_kinds_of_a_class_have_is_not_missing(tmp_path: Path) -> None:
    text = """
    from azureml.core.compute import ComputeTarget
    cluster = ComputeTarget.create(ws, "cpu", configuration)
    cluster.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
    cluster.wait_for_completion(patience=3)
    print(cluster.status.serialize(), cluster.no_such_member)
    """
    found = states(text, tmp_path)
    missing = {name for name, (state, _) in found.items() if state == "missing"}
    assert missing == {
        "ComputeTarget.no_such_member",
        "ComputeTarget.wait_for_completion(patience=)",
    }
