"""Experiments: names under which runs are gathered.

An experiment is made at the server when it is first written to. `submit` starts pipelines and
scripts; what they do is described by their own modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Union

from azureml._lazy import Getattr, exports
from azureml._not_yet import not_yet
from azureml.core import _run_filter

if TYPE_CHECKING:
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace
    from stepwell import _wire

# Programs import these from here, as they could where this module used them.
__getattr__: Getattr = exports(
    globals(),
    {
        "Run": "azureml.core.run",
        "UserErrorException": "azureml.exceptions",
        "Workspace": "azureml.core.workspace",
    },
)

NAME_CHARACTERS_MAX = 255


class ViewType(object):
    """Which experiments a list holds."""

    ActiveOnly = "ActiveOnly"
    All = "All"
    ArchivedOnly = "ArchivedOnly"


class Experiment(object):
    """A named series of runs.

    Example:
        >>> experiment = Experiment(workspace, "churn")
        >>> run = experiment.submit(ScriptRunConfig("src", "train.py", arguments=["--rate", 0.1]))
        >>> run.wait_for_completion()["status"]
        'Completed'
        >>> [each.get_metrics() for each in experiment.get_runs()]
        [{'accuracy': 0.9}]
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        _skip_name_validation: bool = False,
        _id: Optional[str] = None,
        _archived_time: Any = None,
        _create_in_cloud: bool = True,
        _experiment_dto: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> None:
        """The experiment `name`; it need not exist yet.

        Args:
            workspace: The workspace it belongs to.
            name: 1 to 255 characters.

        Raises:
            UserErrorException: The name is too long, empty, or no text.
        """
        if not _skip_name_validation and (
            not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS_MAX
        ):
            from azureml.exceptions import UserErrorException

            raise UserErrorException(
                f"the experiment name {name!r} is not a text of 1 to {NAME_CHARACTERS_MAX} "
                "characters"
            )
        self._workspace = workspace
        self._name = name
        self._record = _experiment_dto

    # Who it is.

    @property
    def workspace(self) -> Workspace:
        """The workspace it belongs to."""
        return self._workspace

    @property
    def workspace_object(self) -> Workspace:
        """The same as `workspace`."""
        return self._workspace

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def id(self) -> str:
        """Its id; asking for it makes the experiment if need be."""
        return str(self._made()["id"])

    @property
    def identity(self) -> str:
        """A name for logs."""
        return f"Experiment#{self._name}"

    @property
    def archived_time(self) -> None:
        """When it was archived: never."""
        return None

    @property
    def tags(self) -> Dict[str, Optional[str]]:
        """Its tags; one that was set without a value has `None`."""
        return {name: value or None for name, value in self._made()["tags"].items()}

    @property
    def portal_url(self) -> str:
        """The address of the server's pages."""
        return self._workspace._client.url

    def _made(self) -> Dict[str, Any]:
        if self._record is None:
            self._record = self._workspace._client.put(self._path)
        return self._record

    @property
    def _path(self) -> str:
        return f"/experiments/{self._name}"

    def refresh(self) -> None:
        """Forget what was read of the server, so that it is read anew."""
        self._record = None

    # Runs.

    def submit(self, config: Any, tags: Optional[Dict[str, str]] = None, **kwargs: Any) -> Run:
        """Start a pipeline or a script and return its run at once.

        Args:
            config: A `Pipeline`, a published pipeline or endpoint, or a `ScriptRunConfig`.
            tags: Tags of the run.
            **kwargs: For pipelines, what `Pipeline.submit` takes; others are ignored, as in v1.

        Returns:
            The run, of the class of its kind: a `PipelineRun`, a `ScriptRun`, a `HyperDriveRun`.
        """
        from azureml.core._run_submission import submit

        run = submit(self, config, kwargs)
        if tags:
            run.set_tags(tags)
        return run

    def start_logging(self, *args: Any, **kwargs: Any) -> Run:
        """Open a run that this program itself is.

        It is completed by `run.complete()`, at the end of a `with` block, or when the
        interpreter ends; then the files that were written into the outputs folder since are
        uploaded.

        Args:
            outputs: The outputs folder, `outputs` by default; `False` for none.
            snapshot_directory: A folder to keep a copy of; none by default.
            display_name: A name for people.

        Returns:
            The run, which is running.
        """
        from azureml.core._run_interactive import open_run

        return open_run(self, *args, **kwargs)

    def get_runs(
        self,
        type: Optional[str] = None,
        tags: Union[str, Dict[str, str], None] = None,
        properties: Union[str, Dict[str, str], None] = None,
        include_children: bool = False,
    ) -> Iterator[Run]:
        """The experiment's runs, newest first, those with parents only if asked for.

        Args:
            type: Only those of this type, such as `azureml.PipelineRun`.
            tags: Only those with these tags: a name, or values by name.
            properties: Only those with these properties: a name, or values by name.
            include_children: Whether the runs below them, such as steps, are given too.

        Yields:
            The runs, each of the class of its kind.
        """
        from azureml.core._run_tree import rehydrate

        kind = None if include_children else _run_filter.kind_of(type)
        for record in self._records(kind, include_children):
            if _run_filter.fits(record, type, tags, properties):
                yield rehydrate(self._workspace, record, self)

    def _records(self, kind: Optional[str], include_children: bool) -> Iterator[_wire.Run]:
        client = self._workspace._client
        for record in client.pages("/runs", "runs", experiment=self._name, kind=kind):
            yield record
            if include_children:
                for below in client.pages("/runs", "runs", root=record["id"]):
                    if below["id"] != record["id"]:
                        yield below

    # Lists, and what is not there yet.

    @staticmethod
    def list(
        workspace: Workspace,
        experiment_name: Optional[str] = None,
        view_type: str = ViewType.ActiveOnly,
        tags: Union[str, Dict[str, str], None] = None,
    ) -> List[Experiment]:
        """The workspace's experiments, sorted by name.

        Args:
            workspace: The workspace.
            experiment_name: Only the one of this name.
            view_type: A `ViewType`; no experiment is archived.
            tags: Only those with these tags: a name, or values by name.

        Returns:
            The experiments.
        """
        if view_type == ViewType.ArchivedOnly:
            return []
        return [
            Experiment(workspace, record["name"], _experiment_dto=record)
            for record in workspace._client.get("/experiments")["experiments"]
            if experiment_name in (None, record["name"]) and _run_filter.has(record["tags"], tags)
        ]

    def tag(self, key: str, value: Optional[str] = None) -> None:
        """Set one tag.

        Args:
            key: Its name.
            value: Its value; without one the tag is there and has none.
        """
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Optional[str]]) -> None:
        """Set tags; those not named stay.

        Args:
            tags: The values by name.
        """
        from azureml.core._run_core import texts

        self._change(set_tags=texts(tags))

    def remove_tags(self, tags: List[str]) -> None:
        """Take tags away; those that are not there are not missed.

        Args:
            tags: Their names.
        """
        self._change(remove_tags=[str(tag) for tag in tags])

    def _change(self, **change: Any) -> None:
        self._made()
        self._record = self._workspace._client.patch(self._path, change)

    @staticmethod
    def delete(workspace: Workspace, experiment_id: str) -> None:
        """Not there yet."""
        not_yet("experiments cannot be deleted yet")

    def archive(self) -> None:
        """Not there yet."""
        not_yet("experiments cannot be archived yet")

    def reactivate(self, new_name: Optional[str] = None) -> None:
        """Not there: nothing is archived."""
        not_yet("experiments cannot be archived, so there is nothing to reactivate")

    @staticmethod
    def from_directory(path: str, auth: Any = None) -> Experiment:
        """Not there: no folder is attached to an experiment."""
        not_yet("a folder does not belong to an experiment; use `Experiment(workspace, name)`")

    # Looks.

    def get_portal_url(self) -> str:
        """The address of the page with the experiment's runs.

        Returns:
            The address, with a ticket that lets the browser in.
        """
        from azureml.core._run_links import experiment_page

        return experiment_page(self._workspace._client, self._name)

    @classmethod
    def get_docs_url(cls) -> str:
        """Where experiments are explained.

        Returns:
            An address.
        """
        from azureml.core._run_links import DOCUMENTATION

        return DOCUMENTATION

    def __str__(self) -> str:
        """The same as `repr`."""
        return repr(self)

    def __repr__(self) -> str:
        """The name and the workspace, without asking the server."""
        return f"Experiment(Name: {self._name}, Workspace: {self._workspace!r})"

    def _repr_html_(self) -> str:
        from azureml.core._run_links import html_table, link

        page = link(self.get_portal_url(), "Link to Stepwell")
        return html_table({"Name": self._name, "Workspace": self._workspace.name, "Page": page})
