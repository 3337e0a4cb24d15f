"""Schedules: published pipelines that start by the clock, or when data changes.

A schedule is kept by the server, which fires it also when no program runs. What v1 has no words
for (cron expressions, policies, the ledger) is in `stepwell.schedules`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

from azureml._fields import Field, field
from azureml.pipeline.core import _parameter_expressions, _published
from azureml.pipeline.core._recurrence import ScheduleRecurrence as ScheduleRecurrence
from azureml.pipeline.core._recurrence import trigger_of
from azureml.pipeline.core._time_zones import TimeZone as TimeZone

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core.run import PipelineRun

ACTIVE = "Active"
DISABLED = "Disabled"


class Schedule(object):
    """A published pipeline, or the default of a pipeline endpoint, that starts by itself.

    Example:
        >>> published = pipeline.publish("nightly-training")
        >>> schedule = Schedule.create(
        ...     workspace,
        ...     "every night",
        ...     pipeline_id=published.id,
        ...     experiment_name="nightly",
        ...     recurrence=ScheduleRecurrence(frequency="Day", interval=1, hours=[2], minutes=[30]),
        ... )
        >>> schedule.status, schedule.recurrence
        ('Active', ScheduleRecurrence(every day at hour 2 and minute 30))
        >>> schedule.disable()
    """

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str,
        description: Optional[str],
        pipeline_id: Optional[str],
        status: str,
        recurrence: Any,
        datastore_name: Optional[str],
        polling_interval: Optional[int],
        data_path_parameter_name: Optional[str],
        continue_on_step_failure: Optional[bool],
        path_on_datastore: Optional[str],
        _schedule_provider: Any = None,
        pipeline_endpoint_id: Optional[str] = None,
    ) -> None:
        """A schedule; the server is not asked whether it exists.

        Args:
            workspace: The workspace.
            id: Its id.
            name: Its name.
            description: What it is for, for people.
            pipeline_id: The published pipeline that it starts.
            status: `Active` or `Disabled`.
            recurrence: Its times; `None` when it watches data.
            datastore_name, path_on_datastore: The datastore and the folder that it watches.
            polling_interval: Minutes between two looks at the datastore.
            data_path_parameter_name: The parameter that is given the path that changed.
            continue_on_step_failure: Whether steps that do not depend on a failed step run.
            pipeline_endpoint_id: Instead of a published pipeline, the endpoint that it starts.
        """
        self._workspace = workspace
        self._id = id
        self._name = name
        self._description = description
        self._pipeline_id = pipeline_id
        self._pipeline_endpoint_id = pipeline_endpoint_id
        self._status = status
        self._recurrence = recurrence
        self._datastore_name = datastore_name
        self._polling_interval = polling_interval
        self._data_path_parameter_name = data_path_parameter_name
        self._continue_on_step_failure = continue_on_step_failure
        self._path_on_datastore = path_on_datastore

    id: Field[str] = field("_id", "Its id.")
    name: Field[str] = field("_name", "Its name; several schedules may share one.")
    description: Field[Optional[str]] = field("_description", "What it is for, for people.")
    pipeline_id: Field[Optional[str]] = field(
        "_pipeline_id", "The published pipeline that it starts."
    )
    pipeline_endpoint_id: Field[Optional[str]] = field(
        "_pipeline_endpoint_id", "The endpoint that it starts."
    )
    status: Field[str] = field("_status", "`Active` or `Disabled`.")
    recurrence: Field[Any] = field("_recurrence", "Its times; `None` when it watches data.")
    datastore_name: Field[Optional[str]] = field(
        "_datastore_name", "The datastore that it watches."
    )
    polling_interval: Field[Optional[int]] = field(
        "_polling_interval", "Minutes between two looks at the datastore."
    )
    data_path_parameter_name: Field[Optional[str]] = field(
        "_data_path_parameter_name", "The parameter that is given the path that changed."
    )
    continue_on_step_failure: Field[Optional[bool]] = field(
        "_continue_on_step_failure", "Whether steps that do not depend on a failed step run."
    )
    path_on_datastore: Field[Optional[str]] = field(
        "_path_on_datastore", "The folder that it watches."
    )

    # Where it comes from.

    @staticmethod
    def create(
        workspace: Workspace,
        name: str,
        pipeline_id: str,
        experiment_name: str,
        recurrence: Any = None,
        description: Optional[str] = None,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: Any = None,
        polling_interval: int = 5,
        data_path_parameter_name: Optional[str] = None,
        continue_on_step_failure: Optional[bool] = None,
        path_on_datastore: Optional[str] = None,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> Schedule:
        """Make a schedule of a published pipeline; it is active.

        Args:
            workspace: The workspace.
            name: Its name.
            pipeline_id: The id of the published pipeline.
            experiment_name: The experiment of its runs.
            recurrence: When it fires: a `ScheduleRecurrence`, or a `stepwell.schedules.Cron`.
            description: What it is for, for people.
            pipeline_parameters: Values of parameters, by name.
            wait_for_provisioning: There is nothing to wait for: a schedule that was made is ready.
            wait_timeout: The same.
            datastore: Instead of `recurrence`: the datastore to watch, or its name.
            polling_interval: Minutes between two looks at it.
            data_path_parameter_name: The parameter that is given the path of each changed file.
            continue_on_step_failure: Whether steps that do not depend on a failed step still run.
            path_on_datastore: The folder to watch, with all below; the whole datastore otherwise.

        Returns:
            The schedule.

        Raises:
            ValueError: What is given does not fit together.
            UserErrorException: The server refuses, such as for a parameter that there is not.
        """
        return _create(
            workspace,
            {"pipeline": pipeline_id},
            name,
            experiment_name,
            description,
            pipeline_parameters,
            continue_on_step_failure,
            trigger_of(
                recurrence, datastore, polling_interval, data_path_parameter_name, path_on_datastore
            ),
        )

    @staticmethod
    def create_for_pipeline_endpoint(
        workspace: Workspace,
        name: str,
        pipeline_endpoint_id: str,
        experiment_name: str,
        recurrence: Any = None,
        description: Optional[str] = None,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: Any = None,
        polling_interval: int = 5,
        data_path_parameter_name: Optional[str] = None,
        continue_on_step_failure: Optional[bool] = None,
        path_on_datastore: Optional[str] = None,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> Schedule:
        """Make a schedule of an endpoint: each time, its default version is started.

        The arguments are those of `create`.

        Args:
            workspace, name, experiment_name, recurrence, description, pipeline_parameters: See
                `create`.
            pipeline_endpoint_id: The id of the endpoint.
            wait_for_provisioning, wait_timeout, datastore, polling_interval: See `create`.
            data_path_parameter_name, continue_on_step_failure, path_on_datastore: See `create`.

        Returns:
            The schedule.
        """
        return _create(
            workspace,
            {"endpoint": pipeline_endpoint_id},
            name,
            experiment_name,
            description,
            pipeline_parameters,
            continue_on_step_failure,
            trigger_of(
                recurrence, datastore, polling_interval, data_path_parameter_name, path_on_datastore
            ),
        )

    @staticmethod
    def get(
        workspace: Workspace,
        id: str,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> Schedule:
        """The schedule with an id.

        Args:
            workspace: The workspace.
            id: The id.

        Returns:
            The schedule.
        """
        with _published.refusals():
            return _of(workspace, workspace._client.get(f"/schedules/{id}"))

    @staticmethod
    def list(
        workspace: Workspace,
        active_only: bool = True,
        pipeline_id: Optional[str] = None,
        pipeline_endpoint_id: Optional[str] = None,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> List[Schedule]:
        """The schedules, newest first; without the disabled ones unless asked for.

        Args:
            workspace: The workspace.
            active_only: Whether disabled ones are left out.
            pipeline_id: Only those of this published pipeline.
            pipeline_endpoint_id: Only those of this endpoint.

        Returns:
            The schedules.

        Raises:
            ValueError: A pipeline and an endpoint are given.
        """
        if pipeline_id is not None and pipeline_endpoint_id is not None:
            raise ValueError("give either pipeline_id or pipeline_endpoint_id")
        query: Dict[str, Any] = {"enabled_only": bool(active_only)}
        if pipeline_id is not None:
            query["pipeline"] = pipeline_id
        if pipeline_endpoint_id is not None:
            query["endpoint"] = pipeline_endpoint_id
        with _published.refusals():
            records = workspace._client.pages("/schedules", "schedules", **query)
            return [_of(workspace, record) for record in records]

    @staticmethod
    def get_all(
        workspace: Workspace,
        active_only: bool = True,
        pipeline_id: Optional[str] = None,
        pipeline_endpoint_id: Optional[str] = None,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> List[Schedule]:
        """The older name of `list`.

        Args:
            workspace, active_only, pipeline_id, pipeline_endpoint_id: See `list`.

        Returns:
            The schedules.
        """
        return Schedule.list(workspace, active_only, pipeline_id, pipeline_endpoint_id)

    @staticmethod
    def get_schedules_for_pipeline_id(
        workspace: Workspace,
        pipeline_id: str,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> List[Schedule]:
        """All schedules of a published pipeline.

        Args:
            workspace: The workspace.
            pipeline_id: The id of the published pipeline.

        Returns:
            The schedules.
        """
        return Schedule.list(workspace, active_only=False, pipeline_id=pipeline_id)

    @staticmethod
    def get_schedules_for_pipeline_endpoint_id(
        workspace: Workspace,
        pipeline_endpoint_id: str,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> List[Schedule]:
        """All schedules of a pipeline endpoint.

        Args:
            workspace: The workspace.
            pipeline_endpoint_id: The id of the endpoint.

        Returns:
            The schedules.
        """
        return Schedule.list(
            workspace, active_only=False, pipeline_endpoint_id=pipeline_endpoint_id
        )

    @staticmethod
    def load_yaml(
        workspace: Workspace,
        filename: str,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> Dict[str, Any]:
        """The arguments for `create` that a YAML file holds under `Schedule`.

        Args:
            workspace: The workspace.
            filename: The file.

        Returns:
            The arguments by name.
        """
        from azureml.pipeline.core._schedule_file import load

        return load(workspace, filename)

    # What can be done with it.

    def update(
        self,
        name: Optional[str] = None,
        description: Optional[str] = None,
        recurrence: Any = None,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        status: Optional[str] = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: Any = None,
        polling_interval: Optional[int] = None,
        data_path_parameter_name: Optional[str] = None,
        continue_on_step_failure: Optional[bool] = None,
        path_on_datastore: Optional[str] = None,
    ) -> None:
        """Change what is given; the rest stays. Other times count from now on.

        Args:
            name, description, recurrence, pipeline_parameters, wait_for_provisioning: See `create`.
            status: `Active` or `Disabled`.
            wait_timeout, datastore, polling_interval, data_path_parameter_name: See `create`.
            continue_on_step_failure, path_on_datastore: See `create`.

        Raises:
            ValueError: The status is another word, or what is given does not fit together.
        """
        if status is not None and status not in (ACTIVE, DISABLED):
            raise ValueError(f"status is {status!r}; it must be Active or Disabled")
        change: Dict[str, Any] = {"name": name, "description": description}
        if status is not None:
            change["enabled"] = status == ACTIVE
        watched = (datastore, polling_interval, data_path_parameter_name, path_on_datastore)
        if recurrence is not None or any(each is not None for each in watched):
            change["trigger"] = self._other_trigger(recurrence, *watched)
        if pipeline_parameters is not None or continue_on_step_failure is not None:
            with _published.refusals():
                submission = dict(self._client.get(self._path())["submission"])
            if pipeline_parameters is not None:
                sys.stderr.write(_parameter_expressions.warning(pipeline_parameters))
                submission.update(_published.parameter_values(self._workspace, pipeline_parameters))
            if continue_on_step_failure is not None:
                submission["continue_on_step_failure"] = continue_on_step_failure
            change["submission"] = submission
        self._change({key: value for key, value in change.items() if value is not None})

    def enable(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Let it fire; what came while it was disabled does not fire.

        Args:
            wait_for_provisioning, wait_timeout: There is nothing to wait for.
        """
        self._change({"enabled": True})

    def disable(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Keep it from firing; runs that were started go on.

        Args:
            wait_for_provisioning, wait_timeout: There is nothing to wait for.
        """
        self._change({"enabled": False})

    def get_pipeline_runs(self) -> List[PipelineRun]:
        """The runs that it has started, newest first.

        Returns:
            The runs.
        """
        with _published.refusals():
            return [self._run(each) for each in self._client.pages(self._path("/runs"), "runs")]

    def get_last_pipeline_run(self) -> Optional[PipelineRun]:
        """The run that it has started last; `None` when there is none.

        Returns:
            The run.
        """
        with _published.refusals():
            page = self._client.get(self._path("/runs"), limit=1)
        return self._run(page["runs"][0]) if page["runs"] else None

    # Inner workings.

    @property
    def _client(self) -> Any:
        return self._workspace._client

    def _path(self, rest: str = "") -> str:
        return f"/schedules/{self._id}{rest}"

    def _run(self, record: Mapping[str, Any]) -> PipelineRun:
        from azureml.core.experiment import Experiment
        from azureml.pipeline.core.run import PipelineRun

        experiment = Experiment(self._workspace, record["experiment"])
        return PipelineRun(experiment, record["id"], _record=record)

    def _change(self, change: Mapping[str, Any]) -> None:
        with _published.refusals():
            record = self._client.patch(self._path(), dict(change))
        self.__dict__.update(_of(self._workspace, record).__dict__)

    def _wait_for_provisioning(self, timeout_seconds: int) -> None:
        """There is nothing to wait for."""

    def _set_status(self, new_status: str) -> None:
        self._change({"enabled": new_status == ACTIVE})

    def _other_trigger(
        self,
        recurrence: Any,
        datastore: Any,
        polling_interval: Optional[int],
        parameter: Optional[str],
        path: Optional[str],
    ) -> Dict[str, Any]:
        """What makes it fire from now on; of what it watches, what is not given stays."""
        if recurrence is not None:
            return trigger_of(recurrence, datastore, polling_interval or 5, parameter, path)
        return trigger_of(
            None,
            self._datastore_name if datastore is None else datastore,
            polling_interval or self._polling_interval or 5,
            parameter or self._data_path_parameter_name,
            path or self._path_on_datastore,
        )

    def _get_base_info_dict(self) -> Dict[str, Any]:
        return {
            "Name": self._name,
            "Id": self._id,
            "Status": self._status,
            "Pipeline Id": self._pipeline_id,
            "Pipeline Endpoint Id": self._pipeline_endpoint_id,
            "Recurrence Details": self._get_list_of_times(),
        }

    def _get_list_of_times(self) -> str:
        if self._recurrence is not None:
            return str(self._recurrence._said())
        folder = "{}/{}".format(self._datastore_name, self._path_on_datastore or "")
        return f"when {folder} changes, looked at every {self._polling_interval} minutes"

    def _to_dict_cli(self, verbose: bool = True) -> Dict[str, Any]:
        said = self._get_base_info_dict()
        return {key: value for key, value in said.items() if value is not None}

    def _repr_html_(self) -> str:
        import html

        rows = "".join(
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(str(value))}</td></tr>"
            for key, value in self._to_dict_cli().items()
        )
        return f"<table>{rows}</table>"

    def __str__(self) -> str:
        said = ",\n".join("{}: {}".format(*each) for each in self._to_dict_cli().items())
        return f"Pipeline schedule({said})"

    def __repr__(self) -> str:
        return str(self)


def _create(
    workspace: Workspace,
    starts: Mapping[str, Any],
    name: str,
    experiment_name: str,
    description: Optional[str],
    pipeline_parameters: Optional[Mapping[str, Any]],
    continue_on_step_failure: Optional[bool],
    trigger: Mapping[str, Any],
) -> Schedule:
    from azureml.core._run_interactive import login_name

    sys.stderr.write(_parameter_expressions.warning(pipeline_parameters))
    values = _published.parameter_values(workspace, pipeline_parameters)
    continue_on_failure = continue_on_step_failure
    body = {
        "name": name,
        "description": description or "",
        **starts,
        "trigger": trigger,
        "submission": {
            "experiment": experiment_name,
            **values,
            "continue_on_step_failure": continue_on_failure,
            "user": login_name(),
        },
        "user": login_name(),
    }
    with _published.refusals():
        return _of(workspace, workspace._client.post("/schedules", body))


def _of(workspace: Workspace, record: Mapping[str, Any]) -> Schedule:
    from stepwell.schedules import Cron

    trigger = record["trigger"]
    kind = trigger["kind"]
    watched = trigger if kind == "data" else {}
    recurrence: Any = None
    if kind == "recurrence":
        recurrence = ScheduleRecurrence._of(trigger)
    elif kind == "cron":
        recurrence = Cron._of(trigger)
    return Schedule(
        workspace,
        record["id"],
        record["name"],
        record["description"],
        record["pipeline"],
        ACTIVE if record["enabled"] else DISABLED,
        recurrence,
        watched.get("datastore"),
        watched.get("polling_interval"),
        watched.get("data_path_parameter"),
        record["submission"]["continue_on_step_failure"],
        watched.get("path") or None,
        pipeline_endpoint_id=record["endpoint"],
    )
