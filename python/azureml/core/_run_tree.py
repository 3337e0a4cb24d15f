"""Runs among runs: parents, children, and making objects of the server's records.

The class of a run follows from its type: `azureml.pipeline` and others add theirs with
`add_type_provider`, and the ones that ship with Stepwell are loaded when a run of their type is
first met.
"""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Union,
)

from azureml.core import _run_filter
from azureml.core._run_core import RunCore, texts

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace
    from stepwell import _wire

CHILDREN_MAX = 100

_factories: Dict[str, Callable[..., Any]] = {}


def add_factory(run_type: str, factory: Callable[..., Any]) -> None:
    """Let `factory(experiment, record)` make the runs of a type."""
    _factories[run_type] = factory


def rehydrate(
    workspace: Workspace, record: _wire.Run, experiment: Optional[Experiment] = None
) -> Run:
    """The run that a record of the server describes, as an object of the right class."""
    if experiment is None or experiment.name != record["experiment"]:
        from azureml.core.experiment import Experiment

        experiment = Experiment(workspace, record["experiment"], _skip_name_validation=True)
    factory = _factories.get(_run_filter.type_of(record) or "")
    if factory is not None:
        return factory(experiment, record)  # type: ignore[no-any-return]
    return _own_class(experiment, record)


def _own_class(experiment: Experiment, record: _wire.Run) -> Run:
    run_id = record["id"]
    if record["kind"] == "pipeline":
        from azureml.pipeline.core.run import PipelineRun

        return PipelineRun(experiment, run_id, _record=record)
    if record["kind"] == "step":
        from azureml.pipeline.core.run import StepRun

        parent, step = str(record["parent"]), str(record["step"])
        return StepRun(experiment, run_id, parent, step, _record=record)
    if _run_filter.type_of(record) == "hyperdrive":
        from azureml.train.hyperdrive.run import HyperDriveRun

        return HyperDriveRun(experiment, run_id, _record=record)
    if _run_filter.type_of(record) == "automl":
        from azureml.train.automl.run import AutoMLRun

        return AutoMLRun(experiment, run_id, _record=record)
    if record["kind"] == "script":
        from azureml.core.script_run import ScriptRun

        return ScriptRun(experiment, run_id, _record=record)
    from azureml.core.run import Run

    return Run(experiment, run_id, _record=record)


def newest_first(records: Iterable[_wire.Run]) -> List[_wire.Run]:
    """Runs in v1's order: those that started last come first, before them those that have not.

    What began at the same moment comes in the reverse order of the server's list, which for the
    steps of a pipeline is the pipeline's own.
    """
    numbered = list(enumerate(records))
    numbered.sort(
        key=lambda each: (each[1]["started_at"] is None, each[1]["started_at"] or "", each[0]),
        reverse=True,
    )
    return [record for _, record in numbered]


class RunTree(RunCore):
    """The part of a run that knows its relatives."""

    @property
    def parent(self) -> Optional[Run]:
        """The run it belongs to, if any."""
        parent = self._record["parent"]
        if parent is None:
            return None
        record = self._client.get("/runs/" + parent)
        return rehydrate(self._experiment.workspace, record, self._experiment)

    def get_children(
        self,
        recursive: bool = False,
        tags: Union[str, Dict[str, str], None] = None,
        properties: Union[str, Dict[str, str], None] = None,
        type: Optional[str] = None,
        status: Optional[str] = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """The runs that belong to this one, the newest first; of a pipeline, its steps.

        Args:
            recursive: Whether their children are meant too.
            tags: Only those with these tags.
            properties: Only those with these properties.
            type: Only those of this type.
            status: Only those with this status.

        Yields:
            The children, each of the class of its kind.
        """
        for record in newest_first(self._descendants(recursive)):
            if _run_filter.fits(record, type, tags, properties, status):
                yield rehydrate(self._experiment.workspace, record, self._experiment)

    def _descendants(self, recursive: bool) -> Iterator[_wire.Run]:
        if recursive and self._record["root"] == self._run_id:  # one list instead of many
            for record in self._client.pages("/runs", "runs", root=self._run_id):
                if record["id"] != self._run_id:
                    yield record
            return
        parents = [self._run_id]
        while parents:
            for record in self._client.pages("/runs", "runs", parent=parents.pop(0)):
                yield record
                if recursive:
                    parents.append(record["id"])

    def child_run(
        self, name: Optional[str] = None, run_id: Optional[str] = None, outputs: Any = None
    ) -> Run:
        """Open a run that belongs to this one; complete it, or use it in a `with` block.

        Args:
            name: Its name for people.
            run_id: Must be `None`: the server gives runs their ids.
            outputs: Without effect.

        Returns:
            The child, which is running.

        Raises:
            UserErrorException: An id is given.
        """
        if run_id is not None:
            from azureml.exceptions import UserErrorException

            raise UserErrorException(
                f"the server gives runs their ids; name the child with name={run_id!r}"
            )
        return self._open_child(name, {})

    def create_children(
        self,
        count: Optional[int] = None,
        tag_key: Optional[str] = None,
        tag_values: Optional[List[str]] = None,
    ) -> List[Run]:
        """Open several children: `count` of them, or one for each value of a tag.

        Args:
            count: How many, up to 100.
            tag_key: Instead of that, the name of a tag.
            tag_values: The values of the tag, one for each child.

        Returns:
            The children, which are running.

        Raises:
            UserErrorException: Neither or both ways are used, or there would be more than 100.
        """
        from azureml.exceptions import UserErrorException

        if count is not None and (tag_key is not None or tag_values is not None):
            raise UserErrorException("give either count, or tag_key and tag_values")
        if count is None and (tag_key is None or tag_values is None):
            raise UserErrorException("give count, or both tag_key and tag_values")
        tags: List[Dict[str, Any]]
        if count is not None:
            tags = [{} for _ in range(count)]
        else:
            tags = [{str(tag_key): value} for value in tag_values or ()]
        if len(tags) > CHILDREN_MAX:
            raise UserErrorException(
                f"at most {CHILDREN_MAX} children can be made at once, not {len(tags)}"
            )
        return [self._open_child(None, each) for each in tags]

    def _open_child(self, name: Optional[str], tags: Mapping[str, Any]) -> Run:
        from azureml.core._run_interactive import login_name

        body: Dict[str, Any] = {
            "experiment": self._experiment.name,
            "parent": self._run_id,
            "tags": texts(tags),
            "user": login_name(),
        }
        if name is not None:
            body["display_name"] = name
        record = self._client.post("/runs/interactive", body)
        return rehydrate(self._experiment.workspace, record, self._experiment)
