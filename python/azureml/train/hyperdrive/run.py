"""Runs of searches: the best trial, all trials in order, what each was given and logged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from azureml._lazy import Getattr, exports
from azureml.core.run import Run
from azureml.train.hyperdrive.exceptions import HyperDriveNotImplementedException

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment

# Programs import these from here, as they could where this module used them.
__getattr__: Getattr = exports(
    globals(),
    {
        "HyperDriveConfig": "azureml.train.hyperdrive.runconfig",
        "PrimaryMetricGoal": "azureml.train.hyperdrive.runconfig",
    },
)

VALUES_TAG = "hyperparameters"


class HyperDriveRun(Run):
    """A search of hyperparameters; its children are the trials.

    Example:
        >>> search = experiment.submit(
        ...     HyperDriveConfig(
        ...         run_config=ScriptRunConfig("src", "train.py"),
        ...         hyperparameter_sampling=GridParameterSampling({"--rate": choice(0.1, 0.5)}),
        ...         primary_metric_name="accuracy",
        ...         primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        ...         max_total_runs=2,
        ...     )
        ... )
        >>> search.wait_for_completion()["status"]
        'Completed'
        >>> search.get_best_run_by_primary_metric().get_metrics()
        {'accuracy': 0.9}
    """

    RUN_TYPE = "hyperdrive"
    HYPER_DRIVE_RUN_USER_AGENT = "sdk_run_hyperdrive"

    def __init__(
        self, experiment: Experiment, run_id: str, hyperdrive_config: Any = None, **kwargs: Any
    ) -> None:
        """The search `run_id`; the server is not asked whether it exists.

        Args:
            experiment: The experiment it belongs to.
            run_id: Its id.
            hyperdrive_config: The configuration it was started with, if this program started it.
        """
        super().__init__(experiment, run_id, **kwargs)
        self._hyperdrive_config = hyperdrive_config

    @property
    def hyperdrive_config(self) -> Any:
        """The configuration it was started with, in the program that started it; else `None`."""
        return self._hyperdrive_config

    def cancel(self) -> Any:
        """Stop the search and its trials.

        Returns:
            The server's answer.
        """
        return self._client.post(self._path + "/cancel", repeatable=True)

    def get_best_run_by_primary_metric(
        self,
        include_failed: bool = True,
        include_canceled: bool = True,
        include_resume_from_runs: bool = True,
    ) -> Optional[Run]:
        """The trial with the best value of the primary metric; `None` when none logged it.

        Of trials with equal values it is the one with the lowest number, and a trial of this search
        before those of the searches it goes on from.

        Args:
            include_failed: Whether trials that failed count.
            include_canceled: Whether trials that were stopped count.
            include_resume_from_runs: Whether the trials of the searches it goes on from count.

        Returns:
            The run of that trial.
        """
        unwanted = set()
        if not include_failed:
            unwanted.add("Failed")
        if not include_canceled:
            unwanted.add("Canceled")
        trials = self._trials()
        if include_resume_from_runs:
            for parent in self._resumed_from():
                trials += parent._trials()
        trials = [
            each
            for each in trials
            if each["best_primary_metric"] is not None and each["status"] not in unwanted
        ]
        if not trials:
            return None
        # Of equal ones, the first: the trials of a search come in their order.
        first = max if self._primary_metric()[1] else min
        best = first(trials, key=lambda each: float(each["best_primary_metric"]))
        return Run.get(self.experiment.workspace, best["run_id"])

    def get_children_sorted_by_primary_metric(
        self, top: int = 0, reverse: bool = False, discard_no_metric: bool = False
    ) -> List[Dict[str, Any]]:
        """All trials, best first, of equal ones the lowest number; those that logged nothing last.

        Args:
            top: Only so many; all when 0.
            reverse: Worst first.
            discard_no_metric: Leave out those that logged nothing.

        Returns:
            For each `run_id`, `hyperparameters` as JSON text, `best_primary_metric`, `status`.
        """
        assert isinstance(top, int) and not isinstance(top, bool), "top is a whole number"
        assert isinstance(reverse, bool), "reverse is True or False"
        assert isinstance(discard_no_metric, bool), "discard_no_metric is True or False"
        trials = self._trials()
        found = [each for each in trials if each["best_primary_metric"] is not None]
        silent = [each for each in trials if each["best_primary_metric"] is None]
        if reverse:
            found.reverse()
        if not discard_no_metric:
            found += silent
        return found[:top] if top > 0 else found

    def get_hyperparameters(self) -> Dict[str, str]:
        """The values of each trial as JSON text, by the trial's id.

        Returns:
            The texts by id.
        """
        return {
            record["id"]: record["tags"][VALUES_TAG]
            for record in self._descendants(recursive=False)
            if VALUES_TAG in record["tags"]
        }

    def get_metrics(self) -> Dict[str, Dict[str, Any]]:  # type: ignore[override]
        """What each trial logged, by the trial's id.

        Returns:
            For each id, the metrics by name.
        """
        return {
            record["id"]: self._metrics_of(record["id"], None)
            for record in self._descendants(recursive=False)
        }

    def get_diagnostics(self) -> None:
        """Not there, as in v1."""
        raise HyperDriveNotImplementedException("runs of searches have no get_diagnostics")

    def fail(self) -> None:  # type: ignore[override]
        """Not possible: a search ends by itself."""
        raise HyperDriveNotImplementedException("a search ends by itself; stop it with cancel()")

    # What is behind them.

    def _trials(self) -> List[Dict[str, Any]]:
        """The trials in the order of the server, which ranks them as the search does."""
        self._primary_metric()  # Refuses what is no search.
        ranked = self._client.get(self._path + "/trials")["trials"]
        records = {record["id"]: record for record in self._descendants(recursive=False)}
        return [
            {
                "run_id": trial["run"],
                "hyperparameters": records[trial["run"]]["tags"].get(VALUES_TAG),
                "best_primary_metric": trial["best"],
                "status": records[trial["run"]]["status"],
            }
            for trial in ranked
        ]

    def _primary_metric(self) -> Any:
        """The name of the primary metric, and whether more of it is better."""
        text = self.properties.get("primary_metric_config") or self.get_tags().get(
            "primary_metric_config"
        )
        if text is None:
            from azureml.train.hyperdrive.exceptions import HyperDriveRehydrateException

            raise HyperDriveRehydrateException(
                f"run {self.id} does not say what it searches for; it is no search, or it has not "
                "begun"
            )
        described = json.loads(text)
        return described["name"], described["goal"] == "maximize"

    def _resumed_from(self) -> List[HyperDriveRun]:
        given = json.loads(self.properties.get("resume_from") or "null") or []
        return [HyperDriveRun(self.experiment, run_id) for run_id in given]
