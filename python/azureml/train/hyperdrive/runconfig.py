"""What a search of hyperparameters is: what runs, what is searched, and when it ends.

Every rule about a search that can be checked without the server is checked when it is made; what
the server is sent is `azureml.train.hyperdrive._search`'s business.
"""

from __future__ import annotations

import warnings
from enum import Enum
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

from azureml.train.hyperdrive import _resume
from azureml.train.hyperdrive.exceptions import HyperDriveConfigException
from azureml.train.hyperdrive.policy import NoTerminationPolicy

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.train.hyperdrive.run import HyperDriveRun

MAX_DURATION_MINUTES = 10080
# Below so many trials for each parameter, or above so many at once, a model learns little.
_BAYESIAN_TRIALS_PER_PARAMETER = 20
_BAYESIAN_CONCURRENT_MAX = 20


class PrimaryMetricGoal(Enum):
    """Whether more or less of the primary metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @staticmethod
    def from_str(goal: str) -> PrimaryMetricGoal:
        """The goal of a text, whatever its case."""
        for known in PrimaryMetricGoal:
            if known.name == str(goal).upper():
                return known
        raise ValueError(f"a goal is `maximize` or `minimize`, not `{goal}`")


class HyperDriveConfig(object):
    """A search of hyperparameters; `Experiment.submit` starts it.

    Example:
        >>> config = HyperDriveConfig(
        ...     run_config=ScriptRunConfig("src", "train.py"),
        ...     hyperparameter_sampling=RandomParameterSampling({"--rate": uniform(0.01, 0.5)}),
        ...     policy=BanditPolicy(slack_factor=0.2),
        ...     primary_metric_name="accuracy",
        ...     primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        ...     max_total_runs=20,
        ...     max_concurrent_runs=4,
        ... )
        >>> config.source_directory
        'src'
    """

    _PLATFORM = "AML"
    _AML_PIPELINES_PLATFORM = "AML_PIPELINES"

    def __init__(
        self,
        hyperparameter_sampling: Any,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: Optional[int] = None,
        max_duration_minutes: int = MAX_DURATION_MINUTES,
        policy: Any = None,
        estimator: Any = None,
        run_config: Any = None,
        resume_from: Any = None,
        resume_child_runs: Any = None,
        pipeline: Any = None,
        debug_flag: Any = None,
        custom_run_id: Optional[str] = None,
    ) -> None:
        """A search.

        Args:
            hyperparameter_sampling: How values are chosen, with the space.
            primary_metric_name: The metric that trials log and are compared by.
            primary_metric_goal: Whether more or less of it is better.
            max_total_runs: The most trials.
            max_concurrent_runs: The most trials at once; all when `None`.
            max_duration_minutes: When it is ended; trials that run then are stopped.
            policy: When trials are stopped early; never when `None`.
            estimator: What each trial runs, or `run_config`.
            run_config: A `ScriptRunConfig`.
            resume_from: A run of an earlier search, or several, whose trials count as known.
            resume_child_runs: Trials of earlier searches to go on with.
            pipeline: A pipeline as the trial; searches over pipelines are not there yet.
            debug_flag: Recorded.
            custom_run_id: Recorded; the server gives runs their ids.

        Raises:
            HyperDriveConfigException: A rule is broken; the text says which.
        """
        given = [each for each in (estimator, run_config, pipeline) if each is not None]
        if not given:
            raise HyperDriveConfigException(
                "HyperDriveConfig expects at least one of estimator, run_config, pipeline to be set"
            )
        if len(given) > 1:
            raise HyperDriveConfigException(
                "HyperDriveConfig expects only one of estimator, run_config, pipeline to be set"
            )
        if run_config is not None and not _is_script_run_config(run_config):
            raise HyperDriveConfigException(
                f"run_config is a {type(run_config).__name__}; pass a ScriptRunConfig"
            )
        if hyperparameter_sampling is None:
            raise HyperDriveConfigException("HyperDriveConfig needs hyperparameter_sampling")
        self._estimator = estimator
        self._run_config = run_config
        self._pipeline = pipeline
        self._sampling = hyperparameter_sampling
        self._generator_config: Dict[str, Any] = hyperparameter_sampling.to_json()
        self._primary_metric_config = {
            "name": primary_metric_name,
            "goal": primary_metric_goal.name.lower(),
        }
        self._policy_config = (policy if policy is not None else NoTerminationPolicy()).to_json()
        self._max_total_jobs = max_total_runs
        self._max_concurrent_jobs = max_concurrent_runs or max_total_runs
        self._max_duration_minutes = max_duration_minutes
        if max_duration_minutes > MAX_DURATION_MINUTES:
            warnings.warn(
                f"max_duration_minutes is {max_duration_minutes}; Azure ML allowed "
                f"{MAX_DURATION_MINUTES}",
                stacklevel=2,
            )
        self._warn_of_bayesian()
        self._resume_from = _resume.checked_parents(resume_from, self)
        self._resume_child_runs = _resume.checked_children(resume_child_runs, max_total_runs)
        self._debug_flag = debug_flag
        self._custom_run_id = custom_run_id

    @property
    def estimator(self) -> Any:
        """The estimator, if trials run one."""
        return self._estimator

    @property
    def run_config(self) -> Any:
        """The `RunConfiguration` of the trials."""
        if self._estimator is not None:
            return self._estimator.run_config
        return None if self._run_config is None else self._run_config.run_config

    @property
    def pipeline(self) -> Any:
        """The pipeline, if trials run one."""
        return self._pipeline

    @property
    def source_directory(self) -> Optional[str]:
        """The folder of the trials' script."""
        directory: Optional[str] = getattr(
            self._estimator if self._estimator is not None else self._run_config,
            "source_directory",
            None,
        )
        return directory

    def _warn_of_bayesian(self) -> None:
        if getattr(self._sampling, "_METHOD", "") != "bayesian":
            return
        wanted = _BAYESIAN_TRIALS_PER_PARAMETER * len(self._generator_config["parameter_space"])
        if self._max_total_jobs < wanted:
            warnings.warn(
                f"Bayesian sampling learns best from {wanted} trials or more, "
                f"{_BAYESIAN_TRIALS_PER_PARAMETER} for each "
                "parameter",
                stacklevel=3,
            )
        if self._max_concurrent_jobs > _BAYESIAN_CONCURRENT_MAX:
            warnings.warn(
                "Bayesian sampling learns little from trials that run at once; "
                f"{self._max_concurrent_jobs} are "
                "allowed",
                stacklevel=3,
            )

    def _submit(
        self, experiment: Experiment, keywords: Mapping[str, Any], parent: Optional[str]
    ) -> HyperDriveRun:
        """Start it; `Experiment.submit` calls this."""
        from azureml.train.hyperdrive._search import submit

        return submit(experiment, self, parent)


class HyperDriveRunConfig(HyperDriveConfig):
    """The older name: making one gives a `HyperDriveConfig` with the estimator first."""

    def __new__(  # type: ignore[misc]
        cls,
        estimator: Any,
        hyperparameter_sampling: Any,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: Optional[int] = None,
        max_duration_minutes: int = MAX_DURATION_MINUTES,
        policy: Any = None,
    ) -> HyperDriveConfig:
        """A `HyperDriveConfig` of the same."""
        return HyperDriveConfig(
            hyperparameter_sampling,
            primary_metric_name,
            primary_metric_goal,
            max_total_runs,
            max_concurrent_runs,
            max_duration_minutes,
            policy,
            estimator=estimator,
        )


def _is_script_run_config(value: Any) -> bool:
    from azureml.core.script_run_config import ScriptRunConfig

    return isinstance(value, ScriptRunConfig)


__all__: List[str] = [
    "MAX_DURATION_MINUTES",
    "HyperDriveConfig",
    "HyperDriveRunConfig",
    "PrimaryMetricGoal",
]
