"""`AutoMLConfig`: a search for a model, as `Experiment.submit` and `AutoMLStep` take it.

The settings are kept as they were given in `user_settings`; `_settings` checks them and says what
the search is asked for. What has no meaning here is accepted and named once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, Optional

from azureml._not_yet import not_yet
from azureml.train.automl import _settings
from azureml.train.automl.exceptions import ConfigException

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.train.automl.run import AutoMLRun

# Older names and the names they gave way to.
OLDER_NAMES = {
    "blacklist_models": "blocked_models",
    "whitelist_models": "allowed_models",
    "max_time_sec": "iteration_timeout_seconds",
    "exit_time_sec": "experiment_timeout_seconds",
    "exit_score": "experiment_exit_score",
    "concurrent_iterations": "max_concurrent_iterations",
}


class AutoMLConfig(object):
    """A search for a model over tabular data.

    Example:
        >>> config = AutoMLConfig(
        ...     task="classification",
        ...     primary_metric="AUC_weighted",
        ...     training_data=sales,
        ...     label_column_name="city",
        ...     experiment_timeout_hours=0.25,
        ... )
        >>> config.user_settings["task"]
        'classification'
    """

    def __init__(
        self,
        task: str,
        path: Optional[str] = None,
        iterations: Optional[int] = None,
        primary_metric: Optional[str] = None,
        positive_label: Any = None,
        compute_target: Any = None,
        spark_context: Any = None,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        X_valid: Any = None,
        y_valid: Any = None,
        sample_weight_valid: Any = None,
        cv_splits_indices: Any = None,
        validation_size: Optional[float] = None,
        n_cross_validations: Any = None,
        y_min: Any = None,
        y_max: Any = None,
        num_classes: Any = None,
        featurization: Any = "auto",
        max_cores_per_iteration: int = 1,
        max_concurrent_iterations: int = 1,
        iteration_timeout_minutes: Optional[int] = None,
        mem_in_mb: Any = None,
        enforce_time_on_windows: bool = False,
        experiment_timeout_hours: Optional[float] = None,
        experiment_exit_score: Optional[float] = None,
        enable_early_stopping: bool = True,
        blocked_models: Optional[List[str]] = None,
        blacklist_models: Optional[List[str]] = None,
        exclude_nan_labels: bool = True,
        verbosity: int = 20,
        enable_tf: bool = False,
        model_explainability: bool = True,
        allowed_models: Optional[List[str]] = None,
        whitelist_models: Optional[List[str]] = None,
        enable_onnx_compatible_models: bool = False,
        enable_voting_ensemble: bool = True,
        enable_stack_ensemble: Optional[bool] = None,
        debug_log: str = "automl.log",
        training_data: Any = None,
        validation_data: Any = None,
        test_data: Any = None,
        test_size: Any = None,
        label_column_name: Optional[str] = None,
        weight_column_name: Optional[str] = None,
        cv_split_column_names: Any = None,
        enable_local_managed: bool = False,
        enable_dnn: Optional[bool] = None,
        forecasting_parameters: Any = None,
        **kwargs: Any,
    ) -> None:
        """A search. `docs/automl.md` has a table of the settings and what each means here.

        Args:
            task: `classification`, `regression` or `forecasting`.
            path, debug_log, verbosity, positive_label: Kept.
            iterations: The most models that are tried.
            primary_metric: What models are compared by.
            compute_target: Where it runs: a name or a target; this machine when `None`.
            X, y: Refused when the search starts; use `training_data`.
            sample_weight, X_valid, y_valid, sample_weight_valid: Without effect.
            validation_size: Instead of folds, the share of the rows that is held out.
            n_cross_validations: The number of folds.
            y_min, y_max, num_classes, test_data, test_size, enforce_time_on_windows: Without
                effect.
            featurization: `auto`, `off` or a `FeaturizationConfig`, of which dropped columns count.
            max_cores_per_iteration: The cores of each model; -1 for all.
            max_concurrent_iterations, mem_in_mb, spark_context, cv_splits_indices: Without effect.
            iteration_timeout_minutes: The time of one model.
            experiment_timeout_hours: The time of the search.
            experiment_exit_score, model_explainability: Kept.
            enable_early_stopping: Whether the search ends when it gets no better.
            blocked_models: The models not to try.
            exclude_nan_labels: Whether rows without a label are left out.
            enable_tf, enable_dnn, enable_onnx_compatible_models, enable_local_managed: Without
                effect.
            allowed_models: The models to try; all when `None`.
            whitelist_models, blacklist_models: The older names of `allowed_models` and
                `blocked_models`.
            enable_voting_ensemble: Kept; alone it adds no model.
            enable_stack_ensemble: Whether the best models are stacked.
            training_data: A tabular dataset or a data frame, with the label among its columns.
            validation_data: Rows that models are compared on, instead of some of the training data.
            label_column_name: The column that is predicted.
            weight_column_name: The column with the weight of each row.
            cv_split_column_names: Kept, without effect.
            forecasting_parameters: How a series is forecast: a `ForecastingParameters`.
            kwargs: Settings of older releases.

        Raises:
            ConfigException: The task or the featurization is none, or models contradict each other.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "kwargs")}
        given.update(kwargs)
        given.pop("__class__", None)
        for older, newer in OLDER_NAMES.items():
            if given.get(older) is not None and given.get(newer) is None:
                given[newer] = given[older]
        _settings.check_task(given)
        if path is None:
            given["path"] = os.path.dirname(os.path.abspath(debug_log))
        self.user_settings: Dict[str, Any] = given
        self.is_timeseries: bool = task == "forecasting"
        given["task_type"] = "regression" if self.is_timeseries else task
        given["is_timeseries"] = self.is_timeseries
        if given["primary_metric"] is None:
            given["primary_metric"] = _settings.default_metric(task)

    def as_serializable_dict(self) -> Dict[str, Any]:
        """The settings that can be written, by name.

        Returns:
            The settings.
        """
        return _settings.written(self.user_settings)

    @classmethod
    def get_supported_dataset_languages(cls, use_gpu: bool) -> Dict[str, str]:
        """The languages of texts that are distinguished: none here, all texts are treated alike.

        Args:
            use_gpu: Without effect.

        Returns:
            An empty dictionary.
        """
        return {}

    def _submit(
        self, experiment: Experiment, keywords: Mapping[str, Any], parent: Optional[str]
    ) -> AutoMLRun:
        """Start it; `Experiment.submit` calls this."""
        from azureml.train.automl._search import submit

        return submit(experiment, self, parent)


class AutoMLImageConfig(AutoMLConfig):
    """A search for a model over images; not there."""

    _SENTENCE: ClassVar[str] = (
        "AutoML over images is not there; train with your own script in a ScriptRunConfig"
    )

    def __init__(
        self,
        task: str,
        compute_target: Any,
        training_data: Any,
        hyperparameter_sampling: Any,
        iterations: int,
        max_concurrent_iterations: Optional[int] = None,
        experiment_timeout_hours: Optional[float] = None,
        early_termination_policy: Any = None,
        validation_data: Any = None,
        arguments: Any = None,
        **kwargs: Any,
    ) -> None:
        """Refuse, whatever the arguments."""
        not_yet(self._SENTENCE)


__all__ = ["AutoMLConfig", "AutoMLImageConfig", "ConfigException"]
