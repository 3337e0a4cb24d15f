"""What a `DataTransferStep` accepts, and what the server is sent for it."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
from fakes import FakeStore, FakeWorkspace

from azureml.core.compute import DataFactoryCompute
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.core import _submission as submissions
from azureml.pipeline.core._step_data import input_binding
from azureml.pipeline.core._submission import RunRequest
from azureml.pipeline.steps import DataTransferStep, PythonScriptStep

LAKE, BLOB = FakeStore("lake"), FakeStore("blob")


def reference(store: Any, name: str, path: str = "p", **kwargs: Any) -> DataReference:
    return DataReference(store, name, path, **kwargs)


def transfer(**kwargs: Any) -> DataTransferStep:
    given: Dict[str, Any] = {
        "name": "copy",
        "source_data_reference": reference(LAKE, "raw", "raw/2026"),
        "destination_data_reference": reference(BLOB, "landed", "landed"),
        "compute_target": "factory",
    }
    return DataTransferStep(**{**given, **kwargs})


def sent(workspace: FakeWorkspace, *steps: Any, **parameters: Any) -> List[Dict[str, Any]]:
    graph = Pipeline(workspace, list(steps)).graph
    body = submissions.submission(graph, RunRequest("e", parameters), workspace._client)
    made: List[Dict[str, Any]] = body["steps"]
    return made


def test_both_ends_are_sent_as_ports_and_no_files_are_pushed(workspace: FakeWorkspace) -> None:
    (made,) = sent(workspace, transfer(source_reference_type="FILE"))
    assert made["task"] == {
        "type": "transfer",
        "source": "raw",
        "destination": "landed",
        "output": "_data_transfer_output",
        "source_type": "file",
        "destination_type": None,
    }
    sources = {each["name"]: each["source"] for each in made["inputs"]}
    assert sources == {
        "raw": {"datastore": {"datastore": "lake", "path": "raw/2026"}},
        "landed": {"datastore": {"datastore": "blob", "path": "landed"}},
    }
    assert [each["name"] for each in made["outputs"]] == ["_data_transfer_output"]
    assert made["outputs"][0]["datastore"] == "blob"
    assert (made["kind"], made["target"]) == ("DataTransferStep", "factory")
    assert workspace._client.pushed == []


def test_what_was_copied_is_read_by_later_steps(workspace: FakeWorkspace) -> None:
    first = transfer()
    second = transfer(
        name="again",
        source_data_reference=first.get_output(),
        destination_data_reference=reference(LAKE, "back"),
    )
    train = PythonScriptStep("s.py", inputs=[second.get_output()], arguments=[second.get_output()])
    steps = sent(workspace, train)
    assert [each["name"] for each in steps] == ["copy", "again", "s.py"]
    output = {"output": "_data_transfer_output"}
    assert steps[1]["inputs"][0]["source"] == {"step": {"step": 0, **output}}
    assert steps[2]["inputs"][0]["source"] == {"step": {"step": 1, **output}}


def test_either_end_may_be_a_data_path_that_a_parameter_gives(workspace: FakeWorkspace) -> None:
    paths = {
        name: PipelineParameter(name, DataPath(store, name + "/default"))
        for name, store in (("from_where", LAKE), ("to_where", BLOB))
    }
    made = transfer(
        source_data_reference=(paths["from_where"], DataPathComputeBinding()),
        destination_data_reference=(paths["to_where"], DataPathComputeBinding()),
    )
    (step,) = sent(workspace, made)
    assert {each["name"]: each["source"] for each in step["inputs"]} == {
        "from_where": {"parameter": "from_where"},
        "to_where": {"parameter": "to_where"},
    }
    assert (step["task"]["source"], step["task"]["destination"]) == ("from_where", "to_where")


def test_the_output_of_another_step_can_be_copied() -> None:
    made = transfer(source_data_reference=PipelineData("made", datastore=LAKE))
    assert made._inputs[0].name == "made"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"name": 5},
        {"source_data_reference": None},
        {"destination_data_reference": None},
        {"compute_target": None},
        {"source_data_reference": "raw"},
        {"destination_data_reference": PipelineData("made")},
        {"destination_data_reference": reference(BLOB, "raw")},
        {"destination_data_reference": reference(BLOB, "down", mode="download")},
        {"destination_data_reference": input_binding(PipelineData("made"))},
    ],
)
def test_what_cannot_be_copied_is_refused_when_the_step_is_made(wrong: Dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        transfer(**wrong)


@pytest.mark.parametrize("end", ["source", "destination"])
def test_an_unknown_type_is_refused_when_the_pipeline_is_built(
    end: str, workspace: FakeWorkspace
) -> None:
    made = transfer(**{end + "_reference_type": "folder"})
    with pytest.raises(ValueError, match="'folder' is not known; use file or directory"):
        Pipeline(workspace, [made])


def test_a_data_factory_is_a_target_and_another_compute_is_none(workspace: FakeWorkspace) -> None:
    factory = DataFactoryCompute.__new__(DataFactoryCompute)
    factory.name = "factory"
    (made,) = sent(workspace, transfer(compute_target=factory))
    assert made["target"] == "factory"
    with pytest.raises(ValueError, match="DataFactoryCompute or the name of a target"):
        Pipeline(workspace, [transfer(compute_target=FakeStore("cpu"))])
