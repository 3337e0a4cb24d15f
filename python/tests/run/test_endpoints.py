"""Endpoints and drafts with the real server."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
import requests
from programs import pipeline, step

from azureml import _edge
from azureml.core import Experiment, Workspace
from azureml.core.authentication import (
    InteractiveLoginAuthentication,
    ServicePrincipalAuthentication,
)
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import (
    Pipeline,
    PipelineDraft,
    PipelineEndpoint,
    PipelineParameter,
    PublishedPipeline,
)
from azureml.pipeline.core.run import PipelineRun


def made(project: Path, word: str = "one", default: int = 1) -> Pipeline:
    """A pipeline that prints its parameter."""
    text = f"import sys\nprint({word!r}, sys.argv[1])"
    number = PipelineParameter("number", default)
    return pipeline(project, step(project, word, text, arguments=[number]))


def printed(run: PipelineRun) -> str:
    assert run.wait_for_completion(show_output=False) == "Finished"
    (only,) = run.get_steps()
    return str(only.get_stdout_log()).strip()


def test_an_endpoint_stands_for_its_versions(project: Path) -> None:
    workspace = Workspace.from_config()
    name = "nightly-" + uuid.uuid4().hex
    first = made(project).publish("first")
    endpoint = PipelineEndpoint.publish(workspace, name, "every night", first)
    assert (endpoint.name, endpoint.status, endpoint.default_version) == (name, "Active", "0")
    endpoint.add(made(project, "two"))
    assert endpoint.get_default_version() == "0"
    assert [each.version for each in endpoint.pipeline_version_list] == ["0", "1"]
    second = endpoint.get_pipeline("1")
    assert str(second.name).startswith(name + "-") and str(second.name).endswith("-Pipeline")
    assert printed(endpoint.submit(project.name)) == "one 1"
    assert printed(endpoint.submit(project.name, {"number": 5}, pipeline_version="1")) == "two 5"
    endpoint.set_default(second)
    found = PipelineEndpoint.get(workspace, name=name)
    assert found.id == endpoint.id and found.default_version == "1"
    run = Experiment(workspace, project.name).submit(found)
    assert printed(run) == "two 1"
    third = made(project, "three").publish("third")
    found.add_default(third)
    assert found.get_pipeline().id == third.id
    found.set_default_version("0")
    assert [each.pipeline.id for each in found.list_versions()] == [first.id, second.id, third.id]
    first.disable()
    assert [each.id for each in found.list_pipelines()] == [second.id, third.id]
    with pytest.raises(UserErrorException, match="is disabled"):
        found.submit(project.name)


def test_a_refusal_is_shown_where_msrest_is_loaded() -> None:
    from msrest.exceptions import HttpOperationError

    error = _edge.refused(ValueError, "that is taken", 409)
    assert isinstance(error, HttpOperationError)
    assert str(error) == "that is taken"


def test_an_endpoint_refuses_what_v1_refused(project: Path) -> None:
    workspace = Workspace.from_config()
    name = "strict-" + uuid.uuid4().hex
    published = made(project).publish("one")
    endpoint = PipelineEndpoint.publish(workspace, name, "d", published)
    with pytest.raises(ValueError, match="already"):
        PipelineEndpoint.publish(workspace, name, "d", published)
    with pytest.raises(ValueError):
        PipelineEndpoint.publish(workspace, name + "x", "d", object())
    with pytest.raises(ValueError, match="version 0"):
        endpoint.add(published)
    with pytest.raises(ValueError, match="no version `9`"):
        endpoint.get_pipeline("9")
    with pytest.raises(ValueError, match="no version 9"):
        endpoint.set_default_version("9")
    with pytest.raises(ValueError):
        endpoint.set_default(made(project, "other").publish("other"))
    with pytest.raises(UserErrorException):
        endpoint.submit(project.name, pipeline_version="9")
    endpoint.archive()
    assert endpoint.status == "Disabled" and endpoint.name != name
    with pytest.raises(ValueError, match="Disabled"):
        endpoint.submit(project.name)
    listed = [each.id for each in PipelineEndpoint.list(workspace)]
    every = [each.id for each in PipelineEndpoint.list(workspace, active_only=False)]
    assert endpoint.id not in listed and endpoint.id in every
    endpoint.reactivate(name)
    assert PipelineEndpoint.get(workspace, id=endpoint.id).name == name
    with pytest.raises(UserErrorException):
        PipelineEndpoint.get(workspace, name="nobody-" + name)


def test_a_draft_is_changed_run_and_published(project: Path) -> None:
    workspace = Workspace.from_config()
    with pytest.raises(ValueError):
        PipelineDraft.create(workspace, made(project))
    with pytest.raises(ValueError):
        PipelineDraft.create(workspace, object(), "n", experiment_name="e")
    mark = uuid.uuid4().hex
    draft = PipelineDraft.create(
        workspace,
        made(project),
        "draft",
        "a first try",
        project.name,
        {"number": 2},
        tags={"mark": mark},
        properties={"p": "q"},
    )
    assert (draft.name, draft.tags, draft.properties) == ("draft", {"mark": mark}, {"p": "q"})
    assert draft.get_graph().params == {"number": 2}
    first = draft.submit_run()
    assert printed(first) == "one 2" and first.get_tags() == {"mark": mark}
    draft.update(made(project, "two"), name="better", pipeline_parameters={"number": 3})
    assert draft.name == "better" and draft.description == "a first try"
    assert printed(draft.submit_run()) == "two 3"
    again = PipelineDraft.get(workspace, draft.id)
    assert again.last_submitted_pipeline_run_id == draft.last_submitted_pipeline_run_id
    published = draft.publish()
    assert published.name == "better"
    assert printed(published.submit(workspace, project.name)) == "two 3"
    clone = PipelineDraft.create(workspace, draft, tags={"mark": mark, "of": "draft"})
    assert clone.parent_pipeline_draft_id == draft.id
    of_run = PipelineDraft.create(workspace, first, "of run", tags={"mark": mark})
    assert of_run.parent_pipeline_run_id == first.id
    of_published = PipelineDraft.create(workspace, published, experiment_name=project.name)
    assert of_published.parent_pipeline_id == published.id
    drafts = PipelineDraft.list(workspace, tags={"mark": mark})
    assert [each.id for each in drafts] == [of_run.id, clone.id, draft.id]
    draft.delete()
    with pytest.raises(UserErrorException):
        PipelineDraft.get(workspace, draft.id)
    assert PublishedPipeline.get(workspace, published.id).status == "Active"


@pytest.mark.parametrize(
    "login",
    [InteractiveLoginAuthentication(), ServicePrincipalAuthentication("t", "i", "p")],
    ids=["interactive", "service principal"],
)
def test_a_program_posts_to_the_endpoint_as_every_tutorial_does(project: Path, login: Any) -> None:
    workspace = Workspace.from_config()
    published = made(project).publish("rest")
    endpoint = PipelineEndpoint.publish(workspace, uuid.uuid4().hex, "", published)
    session = requests.Session()
    session.trust_env = False
    header = login.get_authentication_header()
    for address in (published.endpoint, endpoint.endpoint):
        said = {"ExperimentName": project.name, "ParameterAssignments": {"number": 8}}
        answer = session.post(address, headers=header, json=said)
        assert answer.status_code == 200, answer.text
        run = PipelineRun.get(workspace, answer.json()["Id"])
        assert printed(run) == "one 8"
        assert session.post(address, json=said).status_code == 401


def test_v1s_addresses_take_the_endpoints_name_and_version(project: Path) -> None:
    workspace = Workspace.from_config()
    name = "addressed-" + uuid.uuid4().hex
    endpoint = PipelineEndpoint.publish(workspace, name, "d", made(project))
    endpoint.add(made(project, "two"))
    header = InteractiveLoginAuthentication().get_authentication_header()
    by_id = endpoint.endpoint
    by_name = by_id.split("Id", 1)[0] + "Name?name=" + name
    expectations = {
        by_id: "one 1",
        by_id + "?pipelineVersion=1": "two 1",
        by_id + "/1": "two 1",
        by_name: "one 1",
        by_name + "&pipelineVersion=1": "two 1",
    }
    for address, expected in expectations.items():
        reply = requests.post(address, headers=header, json={"ExperimentName": project.name})
        assert reply.status_code == 200, reply.text
        run = PipelineRun(Experiment(workspace, project.name), reply.json()["Id"])
        assert printed(run) == expected, address
        assert run.get_details()["submittedBy"]
    unknown = by_id.split("Id", 1)[0] + "Name?name=nobody"
    reply = requests.post(unknown, headers=header, json={"ExperimentName": project.name})
    assert reply.status_code == 404 and "nobody" in reply.json()["Error"]["Message"]


def test_a_parameter_that_the_pipeline_lacks_is_left_out_at_v1s_addresses(project: Path) -> None:
    workspace = Workspace.from_config()
    published = made(project).publish("one")
    header = InteractiveLoginAuthentication().get_authentication_header()
    body = {
        "ExperimentName": project.name,
        "ParameterAssignments": {"number": 4, "country": "united"},
    }
    reply = requests.post(published.endpoint, headers=header, json=body)
    assert reply.status_code == 200 and reply.json()["HasWarnings"] is True
    run = PipelineRun(Experiment(workspace, project.name), reply.json()["Id"])
    assert printed(run) == "one 4"
    assert run.get_properties()["stepwell.ignored_parameters"] == "country"
    with pytest.raises(UserErrorException, match="country"):
        published.submit(workspace, project.name, {"country": "united"})
