"""Pipelines that a YAML file describes."""

from __future__ import annotations

from pathlib import Path

import programs
import pytest

from azureml.core import Experiment, Workspace
from azureml.pipeline.core import Pipeline

FILE = """
pipeline:
  name: letters
  description: counts letters
  parameters:
    Times: {type: int, default: 2}
    Word: {type: string, default: abc}
  default_compute: aml-cluster
  steps:
    Write:
      type: PythonScriptStep
      name: write
      script_name: write.py
      source_directory: src
      arguments: ["output:text", "parameter:Word"]
      parameters:
        times: {source: Times}
      outputs:
        text: {destination: Text, datastore: workspaceblobstore, bind_mode: mount}
    Count:
      type: PythonScriptStep
      script_name: count.py
      source_directory: src
      allow_reuse: false
      arguments: ["input:letters", 4]
      inputs:
        letters: {source: Text}
"""


def test_a_described_pipeline_runs(project: Path) -> None:
    programs.write(
        project,
        "write.py",
        """
        import os, sys
        open(sys.argv[1], "w").write(sys.argv[2] * int(os.environ["AML_PARAMETER_times"]))
        """,
    )
    programs.write(
        project,
        "count.py",
        "import sys\nassert len(open(sys.argv[1]).read()) == int(sys.argv[2])",
    )
    (project / "letters.yml").write_text(FILE)
    workspace = Workspace.from_config()
    pipeline = Pipeline.load_yaml(workspace, str(project / "letters.yml"))
    run = Experiment(workspace, project.name).submit(pipeline, pipeline_parameters={"Word": "xy"})
    assert run.wait_for_completion() == "Finished"
    assert {step.name for step in run.get_steps()} == {"write", "Count"}


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("source: Text", "source: Txt", r"steps.Count.inputs.letters .* names `Txt`"),
        ("output:text", "output:txt", r"steps.Write.arguments .* names `txt`; there are text"),
        ("type: int", "type: number", r"parameters.Times.type .* names `number`"),
        ("script_name: count.py", "", "steps.Count of .* has no `script_name`"),
        ("datastore: workspaceblobstore", "datastore: nowhere", "names `nowhere`"),
        ("pipeline:\n", "pipelines:\n", "has no `pipeline` at its top"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(project: Path, old: str, new: str, text: str) -> None:
    (project / "letters.yml").write_text(FILE.replace(old, new, 1))
    with pytest.raises(ValueError, match=text):
        Pipeline.load_yaml(Workspace.from_config(), str(project / "letters.yml"))
