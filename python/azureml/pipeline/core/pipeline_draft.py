"""Drafts: pipelines that are kept at the server to be changed, run and published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

from azureml._fields import Field, field
from azureml.pipeline.core import _published
from azureml.pipeline.core._data_kinds import is_a

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core._graph import Graph
    from azureml.pipeline.core._published_pipeline import PublishedPipeline
    from azureml.pipeline.core.run import PipelineRun


class PipelineDraft(object):
    """A pipeline that is kept at the server to be changed."""

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: Optional[str] = None,
        description: Optional[str] = None,
        experiment_name: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        properties: Optional[Dict[str, str]] = None,
        graph_draft_id: Optional[str] = None,
        parent_pipeline_id: Optional[str] = None,
        parent_pipeline_run_id: Optional[str] = None,
        parent_step_run_ids: Optional[List[str]] = None,
        parent_pipeline_draft_id: Optional[str] = None,
        last_submitted_pipeline_run_id: Optional[str] = None,
        _pipeline_draft_provider: Any = None,
    ) -> None:
        """A draft; the server is not asked whether it exists."""
        self._workspace = workspace
        self._id = id
        self._name = name
        self._description = description
        self._experiment_name = experiment_name
        self._tags = dict(tags or {})
        self._properties = dict(properties or {})
        self._graph_draft_id = graph_draft_id
        self._parent_pipeline_id = parent_pipeline_id
        self._parent_pipeline_run_id = parent_pipeline_run_id
        self._parent_step_run_ids = parent_step_run_ids
        self._parent_pipeline_draft_id = parent_pipeline_draft_id
        self._last_submitted_pipeline_run_id = last_submitted_pipeline_run_id

    @classmethod
    def _of(cls, workspace: Workspace, record: Mapping[str, Any]) -> PipelineDraft:
        return cls(
            workspace,
            str(record["id"]),
            record["name"],
            record["description"],
            record["experiment"],
            record["tags"],
            record["properties"],
            str(record["id"]),
            record["parent_pipeline"],
            record["parent_run"],
            None,
            record["parent_draft"],
            record["last_run"],
        )

    id: Field[str] = field("_id", "Its id.")
    name: Field[Optional[str]] = field("_name", "Its name.")
    description: Field[Optional[str]] = field("_description", "What it does, for people.")
    tags: Field[Dict[str, str]] = field("_tags", "Its tags; its runs get them.")
    properties: Field[Dict[str, str]] = field("_properties", "Its properties; its runs get them.")
    parent_pipeline_id: Field[Optional[str]] = field(
        "_parent_pipeline_id", "The published pipeline it was made from."
    )
    parent_pipeline_run_id: Field[Optional[str]] = field(
        "_parent_pipeline_run_id", "The run it was made from."
    )
    parent_step_run_ids: Field[Optional[List[str]]] = field(
        "_parent_step_run_ids", "The step runs it was made from."
    )
    parent_pipeline_draft_id: Field[Optional[str]] = field(
        "_parent_pipeline_draft_id", "The draft it was made from."
    )
    last_submitted_pipeline_run_id: Field[Optional[str]] = field(
        "_last_submitted_pipeline_run_id", "The newest run of it."
    )

    # Where it comes from.

    @staticmethod
    def get(
        workspace: Workspace,
        id: str,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> PipelineDraft:
        """The draft with an id."""
        with _published.refusals():
            record = workspace._client.get(f"/drafts/{id}")
        return PipelineDraft._of(workspace, record)

    @staticmethod
    def create(
        workspace: Workspace,
        pipeline: Any,
        name: Optional[str] = None,
        description: Optional[str] = None,
        experiment_name: Optional[str] = None,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        continue_on_step_failure: Optional[bool] = None,
        tags: Optional[Dict[str, str]] = None,
        properties: Optional[Dict[str, str]] = None,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> PipelineDraft:
        """Make a draft.

        Args:
            workspace: The workspace.
            pipeline: A `Pipeline`, or a `PublishedPipeline`, a `PipelineRun` or a `PipelineDraft`
                to begin with.
            name: Its name; needed for a `Pipeline`.
            description: What it does, for people.
            experiment_name: The experiment of its runs; needed for a `Pipeline`.
            pipeline_parameters: Values of pipeline parameters by name.
            continue_on_step_failure: Whether steps that do not depend on a failed step run.
            tags: Tags, which its runs get.
            properties: Properties, which its runs get.

        Raises:
            ValueError: `pipeline` is something else, or a name is missing.
        """
        body: Dict[str, Any] = {"name": name, "experiment": experiment_name}
        if is_a(pipeline, "Pipeline"):
            if not name or not experiment_name:
                raise ValueError("a draft of a Pipeline needs a name and an experiment_name")
            body["pipeline"] = _published.template_body(pipeline.graph)
        elif is_a(pipeline, "PublishedPipeline"):
            body["published"] = pipeline.id
            # A published pipeline belongs to no experiment.
            body["experiment"] = experiment_name or name or pipeline.name
        elif is_a(pipeline, "PipelineRun"):
            body["run"] = pipeline.id
        elif isinstance(pipeline, PipelineDraft):
            body["draft"] = pipeline.id
        else:
            raise ValueError(
                "a draft is made of a Pipeline, a PublishedPipeline, a PipelineRun or a "
                f"PipelineDraft, not of a {type(pipeline).__name__}"
            )
        body["change"] = _change(
            workspace,
            {"description": description, "tags": _texts(tags), "properties": _texts(properties)},
            pipeline_parameters,
            continue_on_step_failure,
        )
        with _published.refusals():
            return PipelineDraft._of(workspace, workspace._client.post("/drafts", body))

    @staticmethod
    def list(
        workspace: Workspace,
        tags: Optional[Dict[str, str]] = None,
        _workflow_provider: Any = None,
    ) -> List[PipelineDraft]:
        """The drafts, newest first; only those with all of the given tags."""
        import json

        wanted = json.dumps(_texts(tags)) if tags else None
        records = workspace._client.pages("/drafts", "drafts", tags=wanted)
        return [PipelineDraft._of(workspace, record) for record in records]

    # What can be done with it.

    def update(
        self,
        pipeline: Any = None,
        name: Optional[str] = None,
        description: Optional[str] = None,
        experiment_name: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        continue_on_step_failure: Optional[bool] = None,
        _workflow_provider: Any = None,
    ) -> None:
        """Change it; what is `None` stays."""
        what: Dict[str, Any] = {
            "name": name,
            "description": description,
            "experiment": experiment_name,
            "tags": _texts(tags),
        }
        if pipeline is not None:
            if not is_a(pipeline, "Pipeline"):
                raise ValueError(
                    f"a draft is changed to a Pipeline, not to a {type(pipeline).__name__}"
                )
            what["pipeline"] = _published.template_body(pipeline.graph)
        body = _change(self._workspace, what, pipeline_parameters, continue_on_step_failure)
        with _published.refusals():
            record = self._workspace._client.patch(self._path, body)
        self.__dict__.update(PipelineDraft._of(self._workspace, record).__dict__)

    def submit_run(self, _workflow_provider: Any = None) -> PipelineRun:
        """Start a run of it as it is now, and return it at once."""
        run = _published.start(self._workspace, self._path + "/submit", None)
        self._last_submitted_pipeline_run_id = run.id
        return run

    def publish(self, _workflow_provider: Any = None) -> PublishedPipeline:
        """Publish it as it is now."""
        from azureml.pipeline.core._published_pipeline import PublishedPipeline

        with _published.refusals():
            record = self._workspace._client.post(self._path + "/publish")
        return PublishedPipeline._of(self._workspace, record)

    def delete(self, _workflow_provider: Any = None) -> None:
        """Take it away; its runs and what was published of it stay."""
        with _published.refusals():
            self._workspace._client.delete(self._path)

    # What it is made of.

    def get_graph(self, _workflow_provider: Any = None) -> Graph:
        """Its graph, to look at."""
        from azureml.pipeline.core._graph_of_template import graph_of

        return graph_of(self._workspace, self._pipeline())

    def save(self, path: Optional[str] = None, _workflow_provider: Any = None) -> None:
        """Write what it is made of as YAML, to `path`: a file, or a folder that gets one."""
        from azureml.pipeline.core._template_file import save

        save(path, str(self._name), self._description, self._pipeline())

    def _pipeline(self) -> Dict[str, Any]:
        with _published.refusals():
            pipeline: Dict[str, Any] = self._workspace._client.get(self._path + "/pipeline")
        return pipeline

    @property
    def _path(self) -> str:
        return f"/drafts/{self._id}"

    def __repr__(self) -> str:
        """The name and the id."""
        return f"PipelineDraft(Name: {self._name},\nId: {self._id})"


def _change(
    workspace: Workspace,
    what: Mapping[str, Any],
    values: Optional[Mapping[str, Any]],
    continue_on_failure: Optional[bool],
) -> Dict[str, Any]:
    """What is set of a draft; what is `None` is not."""
    body = {name: value for name, value in what.items() if value is not None}
    if continue_on_failure is not None:
        body["continue_on_step_failure"] = bool(continue_on_failure)
    return {**body, **_published.parameter_values(workspace, values)}


def _texts(given: Optional[Mapping[str, Any]]) -> Optional[Dict[str, str]]:
    """Tags or properties, whose names and values are texts."""
    if given is None:
        return None
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ValueError(f"tags and properties are texts; `{name}` is {value!r}")
    return dict(given)
