"""A kind of step is one file: what is not known anywhere else goes to the server and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, NamedTuple

import pytest
import yaml
from fakes import FakeWorkspace

from azureml.pipeline.core import (
    Pipeline,
    PipelineData,
    PipelineParameter,
    PipelineStep,
    _template_file,
)
from azureml.pipeline.core import _submission as submissions
from azureml.pipeline.core._graph_of_template import graph_of
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._submission import RunRequest
from azureml.pipeline.core._work import ModuleBuilder


class CountWork(NamedTuple):
    """Counts; it has neither files, arguments, an environment nor a program."""

    what: Any
    target: str

    def wire(self, context: Any) -> Dict[str, Any]:
        return {"type": "count", "what": context.value(self.what)}


class CountStep(PipelineStep):
    """A kind of step that no other module knows."""

    def __init__(self, name: str, what: Any, outputs: Any) -> None:
        super().__init__(name, None, outputs)
        self.what = what

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        parameters = {"what": self.what}
        definition = self.create_module_def(None, inputs, outputs, [ParamDef("what")])
        node = graph.add_module_node(
            self.name, inputs, outputs, parameters, module_builder=ModuleBuilder(definition)
        )
        node._work = CountWork(self.what, "sheep-cluster")
        return node


def body_of(workspace: FakeWorkspace) -> Dict[str, Any]:
    made = CountStep("count", PipelineParameter("animal", "sheep"), [PipelineData("number")])
    graph = Pipeline(workspace, made).graph
    return submissions.submission(graph, RunRequest("e", {}), workspace._client)


def test_the_task_is_what_the_kind_says(workspace: FakeWorkspace) -> None:
    body = body_of(workspace)
    (step,) = body["steps"]
    assert step["task"] == {"type": "count", "what": {"parameter": "animal"}}
    assert step["target"] == "sheep-cluster"
    assert step["kind"] == "CountStep"
    assert [port["name"] for port in step["outputs"]] == ["number"]


def test_a_step_without_files_is_named_without_a_digest(
    workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    Pipeline(workspace, CountStep("count", "sheep", [])).submit("e")
    printed = capsys.readouterr().out
    assert "Created step count [" in printed
    assert "][" not in printed


def test_a_published_one_has_a_graph_and_a_file(workspace: FakeWorkspace, tmp_path: Path) -> None:
    body = body_of(workspace)
    graph = graph_of(workspace, body)
    assert [node.name for node in graph.module_nodes] == ["count"]
    _template_file.save(str(tmp_path), "counting", None, body)
    written = yaml.safe_load((tmp_path / "counting.yml").read_text())["pipeline"]
    assert written["steps"]["count"]["what"] == {"parameter": "animal"}
    assert written["steps"]["count"]["type"] == "CountStep"
