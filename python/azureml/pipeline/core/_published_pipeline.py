"""`PublishedPipeline`: a pipeline that is kept at the server and started by a short request.

It never changes; only whether it can be started does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

from azureml._fields import Field, field
from azureml.pipeline.core import _published

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core._graph import Graph
    from azureml.pipeline.core.run import PipelineRun

STATUSES = {"active": "Active", "disabled": "Disabled", "deprecated": "Deprecated"}


class PublishedPipeline(object):
    """A pipeline that is published at the server.

    Example:
        >>> published = pipeline.publish("nightly", description="trains the model", version="1")
        >>> run = published.submit(workspace, "nightly", pipeline_parameters={"rate": 0.2})
        >>> run.wait_for_completion(show_output=False)
        'Finished'
        >>> published.disable()
        >>> PublishedPipeline.get(workspace, published.id).status
        'Disabled'
    """

    def __init__(
        self,
        name: Optional[str],
        graph_id: Optional[str],
        description: Optional[str],
        version: Optional[str],
        published_pipeline_id: str,
        status: Optional[str],
        endpoint: Optional[str],
        total_run_steps: Optional[int],
        workspace: Workspace,
        continue_on_step_failure: Optional[bool] = None,
        _pipeline_provider: Any = None,
        **kwargs: Any,
    ) -> None:
        """A published pipeline; the server is not asked whether it exists.

        Args:
            name: Its name.
            graph_id: The id of its graph.
            description: What it does, for people.
            version: Its version, for people.
            published_pipeline_id: Its id.
            status: `Active` or `Disabled`.
            endpoint: Where programs without an SDK start it.
            total_run_steps: How many steps it has.
            workspace: The workspace.
            continue_on_step_failure: Whether steps that do not depend on a failed step run.
        """
        self._name = name
        self._graph_id = graph_id
        self._description = description
        self._version = version
        self._id = published_pipeline_id
        self._status = status
        self._endpoint = endpoint
        self._total_run_steps = total_run_steps
        self._workspace = workspace
        self._continue_on_step_failure = continue_on_step_failure
        self._template: Optional[Dict[str, Any]] = None

    @classmethod
    def _of(cls, workspace: Workspace, record: Mapping[str, Any]) -> PublishedPipeline:
        identifier = str(record["id"])
        return cls(
            record["name"],
            # The graph is the pipeline's own and has no other id.
            identifier,
            record["description"],
            record["version"],
            identifier,
            STATUSES[record["status"]],
            _published.address(workspace, "PipelineSubmit/" + identifier),
            record["steps"],
            workspace,
            record["continue_on_step_failure"],
        )

    name: Field[Optional[str]] = field("_name", "Its name; several pipelines may share one.")
    description: Field[Optional[str]] = field("_description", "What it does, for people.")
    id: Field[str] = field("_id", "Its id.")
    graph_id: Field[Optional[str]] = field("_graph_id", "The id of its graph.")
    version: Field[Optional[str]] = field("_version", "Its version, for people.")
    status: Field[Optional[str]] = field("_status", "`Active` or `Disabled`.")
    endpoint: Field[Optional[str]] = field(
        "_endpoint", "Where programs without an SDK start it by a POST."
    )
    total_run_steps: Field[Optional[int]] = field("_total_run_steps", "How many steps it has.")
    continue_on_step_failure: Field[Optional[bool]] = field(
        "_continue_on_step_failure", "Whether steps that do not depend on a failed step run."
    )

    # Where it comes from.

    @staticmethod
    def get(
        workspace: Workspace,
        id: str,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> PublishedPipeline:
        """The published pipeline with an id.

        Args:
            workspace: The workspace.
            id: The id.

        Returns:
            The published pipeline.

        Raises:
            UserErrorException: There is none.
        """
        with _published.refusals():
            record = workspace._client.get(f"/published/{id}")
        return PublishedPipeline._of(workspace, record)

    @staticmethod
    def list(
        workspace: Workspace, active_only: bool = True, _service_endpoint: Optional[str] = None
    ) -> List[PublishedPipeline]:
        """The published pipelines, newest first; without the disabled ones unless asked for.

        Args:
            workspace: The workspace.
            active_only: Whether disabled ones are left out.

        Returns:
            The published pipelines.
        """
        records = workspace._client.pages("/published", "pipelines", active_only=bool(active_only))
        return [PublishedPipeline._of(workspace, record) for record in records]

    @staticmethod
    def get_all(
        workspace: Workspace, active_only: bool = True, _service_endpoint: Optional[str] = None
    ) -> List[PublishedPipeline]:
        """The older name of `list`.

        Args:
            workspace: The workspace.
            active_only: Whether disabled ones are left out.

        Returns:
            The published pipelines.
        """
        return PublishedPipeline.list(workspace, active_only)

    # What can be done with it.

    def submit(
        self,
        workspace: Workspace,
        experiment_name: str,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
        parent_run_id: Optional[str] = None,
        continue_on_step_failure: Optional[bool] = None,
    ) -> PipelineRun:
        """Start a run and return it at once.

        Args:
            workspace: The workspace.
            experiment_name: The experiment the run belongs to.
            pipeline_parameters: Values of pipeline parameters by name.
            parent_run_id: The run this one belongs to.
            continue_on_step_failure: Whether steps that do not depend on a failed step run; as
                published when `None`.

        Returns:
            The run.

        Raises:
            UserErrorException: A parameter is unknown or of another type, or it is disabled.
        """
        body = _published.assignments(
            workspace,
            experiment_name,
            pipeline_parameters,
            parent_run_id,
            continue_on_step_failure,
        )
        return _published.start(workspace, f"/published/{self._id}/submit", body)

    def enable(self) -> None:
        """Let it be started."""
        self._set_status("active")

    def disable(self) -> None:
        """Let it be started no more; what runs goes on."""
        self._set_status("disabled")

    def _set_status(self, status: str) -> None:
        with _published.refusals():
            path = f"/published/{self._id}"
            record = self._workspace._client.patch(path, {"status": status})
        self._status = STATUSES[record["status"]]

    # What it is made of.

    def get_graph(self, _workflow_provider: Any = None) -> Graph:
        """Its graph, to look at.

        Returns:
            The graph.
        """
        from azureml.pipeline.core._graph_of_template import graph_of

        return graph_of(self._workspace, self._pipeline())

    def get_step_names(self, _workflow_provider: Any = None) -> List[str]:
        """The names of its steps, in an order in which they could run.

        Returns:
            The names.
        """
        return [str(step["name"]) for step in self._pipeline()["steps"]]

    def save(self, path: Optional[str] = None, _workflow_provider: Any = None) -> None:
        """Write what it is made of as YAML, to `path`: a file, or a folder that gets one.

        Args:
            path: The file or the folder; the working directory when `None`.
        """
        from azureml.pipeline.core._template_file import save

        save(path, str(self._name), self._description, self._pipeline())

    def _pipeline(self) -> Dict[str, Any]:
        """The pipeline as it was sent; it never changes, so it is asked for once."""
        if self._template is None:
            path = f"/published/{self._id}/pipeline"
            with _published.refusals():
                self._template = self._workspace._client.get(path)
        return self._template

    # Where to see it.

    def get_portal_url(self) -> str:
        """The address of the server's pages.

        Returns:
            The address.
        """
        return self._workspace._client.url

    @property
    def portal_url(self) -> str:
        """The address of the server's pages."""
        return self.get_portal_url()

    def __repr__(self) -> str:
        """The name and the id."""
        return (
            f"Pipeline(Name: {self._name},\nId: {self._id},\nStatus: "
            f"{self._status},\nEndpoint: {self._endpoint})"
        )

    def _repr_html_(self) -> str:
        from azureml.core._run_links import html_table

        return html_table(
            {
                "Name": str(self._name),
                "Id": self._id,
                "Status": str(self._status),
                "Endpoint": str(self._endpoint),
            }
        )
