"""Endpoints: a name that programs start, whichever published pipeline stands behind it today.

Each pipeline behind an endpoint is a version of it, numbered from `0`; one is the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Mapping, Optional

from azureml._fields import Field, field
from azureml.pipeline.core import _published
from azureml.pipeline.core._data_kinds import is_a

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core._published_pipeline import PublishedPipeline
    from azureml.pipeline.core.run import PipelineRun

ACTIVE = "Active"
STATUSES = {"active": ACTIVE, "disabled": "Disabled"}


class PipelineEndpoint(object):
    """A name for the versions of a published pipeline.

    Example:
        >>> endpoint = PipelineEndpoint.publish(workspace, "churn", "trains the model", pipeline)
        >>> endpoint.add_default(pipeline.publish("churn-new"))
        >>> endpoint.default_version
        '1'
        >>> endpoint = PipelineEndpoint.get(workspace, name="churn")
        >>> run = endpoint.submit("nightly", pipeline_version="0")
        >>> run.wait_for_completion(show_output=False)
        'Finished'
    """

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str,
        description: str,
        status: str,
        default_version: str,
        endpoint: str,
        pipeline_version_list: List[PipelineIdVersion],
        _pipeline_endpoint_provider: Any = None,
        _published_pipeline_provider: Any = None,
        _swaggerurl: Optional[str] = None,
    ) -> None:
        """An endpoint; the server is not asked whether it exists.

        Args:
            workspace: The workspace.
            id: Its id.
            name: Its name.
            description: What it does, for people.
            status: `Active` or `Disabled`.
            default_version: The version that is started by default.
            endpoint: Where programs without an SDK start it.
            pipeline_version_list: Its versions with their pipelines.
        """
        self._workspace = workspace
        self._id = id
        self._name = name
        self._description = description
        self._status = status
        self._default_version = default_version
        self._endpoint = endpoint
        self._pipeline_version_list = pipeline_version_list
        self._swaggerurl = _swaggerurl

    @classmethod
    def _of(cls, workspace: Workspace, record: Mapping[str, Any]) -> PipelineEndpoint:
        identifier = str(record["id"])
        return cls(
            workspace,
            identifier,
            record["name"],
            record["description"],
            STATUSES[record["status"]],
            record["default_version"],
            _published.address(workspace, "PipelineEndpointSubmit/Id/" + identifier),
            [
                PipelineIdVersion(version["version"], version["pipeline"])
                for version in record["versions"]
            ],
            _swaggerurl=workspace._client.url + "/api/v1/openapi.json",
        )

    id: Field[str] = field("_id", "Its id.")
    name: Field[str] = field("_name", "Its name.")
    description: Field[str] = field("_description", "What it does, for people.")
    status: Field[str] = field("_status", "`Active` or `Disabled`.")
    default_version: Field[str] = field(
        "_default_version", "The version that is started by default."
    )
    endpoint: Field[str] = field("_endpoint", "Where programs without an SDK start it by a POST.")
    pipeline_version_list: Field[List[PipelineIdVersion]] = field(
        "_pipeline_version_list", "Its versions with their pipelines."
    )
    swaggerurl: Field[Optional[str]] = field(
        "_swaggerurl", "The description of the REST interface."
    )

    # Where it comes from.

    @staticmethod
    def publish(
        workspace: Workspace,
        name: str,
        description: str,
        pipeline: Any,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> PipelineEndpoint:
        """Make an endpoint whose version `0` is `pipeline`.

        Args:
            workspace: The workspace.
            name: Its name, which no other endpoint has.
            description: What it does, for people.
            pipeline: A `PublishedPipeline`, or a `Pipeline`, which is published then.

        Returns:
            The endpoint.

        Raises:
            ValueError: The name is taken, or `pipeline` is something else.
        """
        if _find(workspace, name) is not None:
            raise ValueError(f"there is a pipeline endpoint `{name}` already")
        published = _as_published(pipeline, name)
        body = {"name": name, "description": description or "", "pipeline": published.id}
        with _value_errors():
            return PipelineEndpoint._of(workspace, workspace._client.post("/endpoints", body))

    @staticmethod
    def get(
        workspace: Workspace,
        id: Optional[str] = None,
        name: Optional[str] = None,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> PipelineEndpoint:
        """The endpoint with an id, or with a name.

        Args:
            workspace: The workspace.
            id: The id.
            name: The name, where there is no id.

        Returns:
            The endpoint.

        Raises:
            ValueError: Neither is given.
            UserErrorException: There is none.
        """
        if id is None and name is None:
            raise ValueError("name the endpoint by its id or by its name")
        from azureml import _edge
        from azureml.exceptions import UserErrorException
        from stepwell.errors import NotFound

        path = f"/endpoints/{id}" if id is not None else f"/endpoints/named/{name}"
        with _published.refusals():
            try:
                record = workspace._client.get(path)
            except NotFound as error:
                # Programs that publish what is not there yet look for the middle of this sentence.
                wanted = f"pipeline endpoint `{name if id is None else id}`"
                said = f"{wanted} not found in workspace `{workspace.name}`"
                raise _edge.not_found(UserErrorException, said) from error
        return PipelineEndpoint._of(workspace, record)

    @staticmethod
    def list(
        workspace: Workspace,
        active_only: bool = True,
        max_results: int = 100,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> List[PipelineEndpoint]:
        """The newest endpoints, `max_results` at most; without the disabled ones unless wanted.

        Args:
            workspace: The workspace.
            active_only: Whether disabled ones are left out.
            max_results: How many at most.

        Returns:
            The endpoints.
        """
        from itertools import islice

        records = workspace._client.pages("/endpoints", "endpoints", active_only=bool(active_only))
        return [PipelineEndpoint._of(workspace, each) for each in islice(records, max_results)]

    @staticmethod
    def get_all(
        workspace: Workspace,
        active_only: bool = True,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> List[PipelineEndpoint]:
        """All endpoints, newest first; without the disabled ones unless wanted.

        Args:
            workspace: The workspace.
            active_only: Whether disabled ones are left out.

        Returns:
            The endpoints.
        """
        records = workspace._client.pages("/endpoints", "endpoints", active_only=bool(active_only))
        return [PipelineEndpoint._of(workspace, each) for each in records]

    # Its versions.

    def get_default_version(self) -> str:
        """The version that is started unless another is asked for.

        Returns:
            The version, a number as a text.
        """
        return str(self._default_version)

    def get_pipeline(self, version: Optional[str] = None) -> PublishedPipeline:
        """The published pipeline of a version, or of the default one.

        Args:
            version: The version; the default one when `None`.

        Returns:
            The published pipeline.

        Raises:
            ValueError: There is no such version; the text names those there are.
        """
        from azureml.pipeline.core._published_pipeline import PublishedPipeline

        wanted = self._default_version if version is None else str(version)
        for each in self._pipeline_version_list:
            if each.version == wanted:
                return PublishedPipeline.get(self._workspace, each.pipeline_id)
        raise ValueError(
            "endpoint `{}` has no version `{}`; it has {}".format(
                self._name,
                wanted,
                ", ".join(f"`{each.version}`" for each in self._pipeline_version_list),
            )
        )

    def list_versions(
        self, _workflow_provider: Any = None, _service_endpoint: Optional[str] = None
    ) -> List[PipelineVersion]:
        """Every version with its published pipeline.

        Returns:
            The versions.
        """
        from azureml.pipeline.core._published_pipeline import PublishedPipeline

        return [
            PipelineVersion(each.version, PublishedPipeline.get(self._workspace, each.pipeline_id))
            for each in self._pipeline_version_list
        ]

    def get_all_versions(
        self, _workflow_provider: Any = None, _service_endpoint: Optional[str] = None
    ) -> List[PipelineVersion]:
        """The older name of `list_versions`.

        Returns:
            The versions.
        """
        return self.list_versions()

    def list_pipelines(
        self,
        active_only: bool = True,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> List[PublishedPipeline]:
        """The published pipelines behind it; without the disabled ones unless wanted.

        Args:
            active_only: Whether disabled ones are left out.

        Returns:
            The published pipelines.
        """
        pipelines = [each.pipeline for each in self.list_versions()]
        return [each for each in pipelines if not active_only or each.status == ACTIVE]

    def get_all_pipelines(
        self,
        active_only: bool = True,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> List[PublishedPipeline]:
        """The older name of `list_pipelines`.

        Args:
            active_only: Whether disabled ones are left out.

        Returns:
            The published pipelines.
        """
        return self.list_pipelines(active_only)

    def add(self, pipeline: Any) -> None:
        """Make a pipeline the next version; the default stays.

        Args:
            pipeline: A `PublishedPipeline`, or a `Pipeline`, which is published then.
        """
        self._add(pipeline, False)

    def add_default(self, pipeline: Any) -> None:
        """Make a pipeline the next version and the default.

        Args:
            pipeline: A `PublishedPipeline`, or a `Pipeline`, which is published then.
        """
        self._add(pipeline, True)

    def _add(self, pipeline: Any, make_default: bool) -> None:
        published = _as_published(pipeline, self._name)
        body = {"pipeline": published.id, "make_default": make_default}
        path = f"/endpoints/{self._id}/versions"
        with _value_errors():
            self._update(self._workspace._client.post(path, body))

    def set_default_version(self, version: str) -> None:
        """Make a version the default.

        Args:
            version: The version.

        Raises:
            ValueError: There is no such version.
        """
        self._change(default_version=str(version))

    def set_default(self, pipeline: Any) -> None:
        """Make the version that is `pipeline` the default.

        Args:
            pipeline: The published pipeline.

        Raises:
            ValueError: It is no version of the endpoint.
        """
        for each in self._pipeline_version_list:
            if each.pipeline_id == getattr(pipeline, "id", None):
                return self.set_default_version(each.version)
        raise ValueError(f"the pipeline is no version of endpoint `{self._name}`; add it first")

    # What can be done with it.

    def enable(self) -> None:
        """Let it be started."""
        self._change(status="active")

    def disable(self) -> None:
        """Let it be started no more; what runs goes on."""
        self._change(status="disabled")

    def set_name(self, name: str) -> None:
        """Give it another name.

        Args:
            name: The name, which no other endpoint has.

        Raises:
            ValueError: Another has it.
        """
        self._change(name=name)

    def archive(self) -> None:
        """Disable it and free its name for another one."""
        import uuid

        self._change(name=str(uuid.uuid4()), status="disabled")

    def reactivate(self, name: str) -> None:
        """Enable it again under a name.

        Args:
            name: The name, which no other endpoint has.
        """
        self._change(name=name, status="active")

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        parent_run_id: Optional[str] = None,
        pipeline_version: Optional[str] = None,
    ) -> PipelineRun:
        """Start a run and return it at once.

        Args:
            experiment_name: The experiment the run belongs to.
            pipeline_parameters: Values of pipeline parameters by name.
            parent_run_id: The run this one belongs to.
            pipeline_version: The version; the default one when `None`.

        Returns:
            The run.

        Raises:
            ValueError: The endpoint is disabled.
            UserErrorException: A parameter is unknown or of another type, or the version is.
        """
        with _published.refusals():
            self._update(self._workspace._client.get(f"/endpoints/{self._id}"))
        if self._status != ACTIVE:
            raise ValueError(f"endpoint `{self._name}` is {self._status}")
        body = _published.assignments(
            self._workspace, experiment_name, pipeline_parameters, parent_run_id
        )
        version = None if pipeline_version is None else str(pipeline_version)
        path = f"/endpoints/{self._id}/submit"
        return _published.start(self._workspace, path, body, version=version)

    def _change(self, **what: Any) -> None:
        path = f"/endpoints/{self._id}"
        with _value_errors():
            self._update(self._workspace._client.patch(path, what))

    def _update(self, record: Mapping[str, Any]) -> None:
        self.__dict__.update(PipelineEndpoint._of(self._workspace, record).__dict__)

    def __repr__(self) -> str:
        """The name and the id."""
        return (
            f"PipelineEndpoint(Name: {self._name},\nId: {self._id},\nStatus: "
            f"{self._status},\nDefault version: {self._default_version})"
        )


class PipelineVersion(object):
    """One version behind an endpoint, with its pipeline."""

    def __init__(self, version: str, pipeline: PublishedPipeline) -> None:
        """A version and its published pipeline."""
        self._version = version
        self._pipeline = pipeline

    version: Field[str] = field("_version", "The version.")
    pipeline: Field[PublishedPipeline] = field("_pipeline", "The published pipeline.")


class PipelineIdVersion(object):
    """One version behind an endpoint, with the id of its pipeline."""

    def __init__(self, version: str, pipeline_id: str) -> None:
        """A version and the id of its published pipeline."""
        self._version = version
        self._pipeline_id = pipeline_id

    version: Field[str] = field("_version", "The version.")
    pipeline_id: Field[str] = field("_pipeline_id", "The id of the published pipeline.")


def _find(workspace: Workspace, name: str) -> Optional[Mapping[str, Any]]:
    from stepwell.errors import NotFound

    try:
        record: Mapping[str, Any] = workspace._client.get(f"/endpoints/named/{name}")
    except NotFound:
        return None
    return record


def _as_published(pipeline: Any, name: str) -> PublishedPipeline:
    """The pipeline itself if it is published, else published now under a name with the time."""
    if is_a(pipeline, "PublishedPipeline"):
        known: PublishedPipeline = pipeline
        return known
    if not is_a(pipeline, "Pipeline"):
        raise ValueError(
            "behind an endpoint stands a Pipeline or a PublishedPipeline, not a "
            f"{type(pipeline).__name__}"
        )
    import time

    stamp = time.strftime("%m-%d-%Y-%H-%M")
    made: PublishedPipeline = pipeline.publish(f"{name}-{stamp}-Pipeline")
    return made


def _value_errors() -> Any:
    """What the server refuses is a wrong value, as in v1."""
    return _published.refusals(ValueError)
