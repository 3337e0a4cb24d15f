"""The settings of AutoML: which of them are checked when, and what a search is sent.

`docs/automl.md` has the table for people. What maps to FLAML is sent; what has no meaning here is
accepted and named once when the search starts.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from azureml._not_yet import not_yet
from azureml.automl.core.shared.exceptions import ConfigException

TASKS = ("classification", "regression", "forecasting")
CLASSIFICATION_METRICS = (
    "accuracy",
    "AUC_weighted",
    "average_precision_score_weighted",
    "norm_macro_recall",
    "precision_score_weighted",
)
REGRESSION_METRICS = (
    "normalized_root_mean_squared_error",
    "normalized_mean_absolute_error",
    "r2_score",
    "spearman_correlation",
)
# Models of Azure ML's and the learners of FLAML that are the same or the nearest kin.
LEARNERS: Dict[str, Optional[str]] = {
    "LightGBM": "lgbm",
    "XGBoostClassifier": "xgboost",
    "XGBoostRegressor": "xgboost",
    "RandomForest": "rf",
    "ExtremeRandomTrees": "extra_tree",
    "LogisticRegression": "lrl2",
    "KNN": "kneighbor",
    "GradientBoosting": "histgb",
    "LinearSVM": "svc",
    "SGD": "sgd",
    "ElasticNet": "enet",
    "LassoLars": "lassolars",
    "AutoArima": "arima",
    "Arimax": "sarimax",
    "ExponentialSmoothing": "holt-winters",
    "Naive": "naive",
    "SeasonalNaive": "snaive",
    "Average": "avg",
    "SeasonalAverage": "savg",
    "TCNForecaster": "tcn",
    "DecisionTree": None,
    "MultinomialNaiveBayes": None,
    "BernoulliNaiveBayes": None,
    "SVM": None,
    "AveragedPerceptronClassifier": None,
    "TabnetClassifier": None,
    "TabnetRegressor": None,
    "FastLinearRegressor": None,
    "OnlineGradientDescentRegressor": None,
    "Prophet": None,
}
TIMEOUT_MINUTES_DEFAULT = 8640
ITERATIONS_DEFAULT = 1000
WITHOUT_EFFECT = (
    "spark_context",
    "mem_in_mb",
    "enable_tf",
    "enable_onnx_compatible_models",
    "enable_dnn",
    "enable_local_managed",
    "test_data",
    "test_size",
    "cv_splits_indices",
    "y_min",
    "y_max",
    "num_classes",
    "enforce_time_on_windows",
)


def check_task(given: Mapping[str, Any]) -> None:
    """Refuse what cannot be when the configuration is made.

    Raises:
        ConfigException: The task or the featurization is none, or models contradict each other.
    """
    task = given["task"]
    if isinstance(task, str) and task.startswith(("image-", "text-")):
        not_yet(
            f"AutoML of task {task} is not there; train with your own script in a ScriptRunConfig"
        )
    if task not in TASKS:
        raise ConfigException("task is {!r}; it is one of {}".format(task, ", ".join(TASKS)))
    featurization = given["featurization"]
    is_config = type(featurization).__name__ in ("FeaturizationConfig", "dict")
    if not is_config and featurization not in ("auto", "off"):
        raise ConfigException(
            f"featurization is {featurization!r}; it is auto, off or a FeaturizationConfig"
        )
    allowed, blocked = given.get("allowed_models"), given.get("blocked_models")
    if allowed and blocked and set(allowed) <= set(blocked):
        raise ConfigException("every model of allowed_models stands in blocked_models")


def default_metric(task: str) -> str:
    """The metric that models are compared by when the program names none."""
    return "accuracy" if task == "classification" else "normalized_root_mean_squared_error"


def metrics_of(task: str) -> Tuple[str, ...]:
    """The metrics that models of a task can be compared by."""
    return CLASSIFICATION_METRICS if task == "classification" else REGRESSION_METRICS


def wire(given: Mapping[str, Any]) -> Dict[str, Any]:
    """What the search is sent, checked.

    Raises:
        ConfigException: A setting cannot be.
    """
    task = given["task"]
    _check_metric(given)
    _check_data(given)
    _check_range("iterations", given["iterations"], 0, ITERATIONS_DEFAULT)
    _check_range("iteration_timeout_minutes", given["iteration_timeout_minutes"], 1, 43200)
    _check_range("experiment_timeout_hours", given["experiment_timeout_hours"], 0.25, 8760)
    _check_range("max_concurrent_iterations", given["max_concurrent_iterations"], 1, None)
    _check_range("validation_size", given["validation_size"], 0, 1)
    folds = given["n_cross_validations"]
    if folds != "auto":
        _check_range("n_cross_validations", folds, 2, 1000)
    return {
        "task": task,
        "primary_metric": given["primary_metric"],
        "label": given["label_column_name"],
        "weight": given["weight_column_name"],
        "positive_label": given["positive_label"],
        "iterations": given["iterations"] or ITERATIONS_DEFAULT,
        "seconds": _seconds(given),
        "trial_seconds": _trial_seconds(given),
        "early_stop": bool(given["enable_early_stopping"]),
        "exit_score": given["experiment_exit_score"],
        "validation_size": given["validation_size"],
        "folds": None if folds == "auto" else folds,
        "cores": given["max_cores_per_iteration"],
        "ensemble": bool(given["enable_stack_ensemble"]),
        "learners": _learners(task, given),
        "drop_columns": _dropped(given["featurization"]),
        "exclude_nan_labels": bool(given["exclude_nan_labels"]),
        "forecasting": _forecasting(given),
    }


def without_effect(given: Mapping[str, Any]) -> List[str]:
    """The settings that were given and have no meaning here."""
    names = [name for name in WITHOUT_EFFECT if given.get(name)]
    if given["max_concurrent_iterations"] > 1:
        names.append("max_concurrent_iterations")
    return names


def written(given: Mapping[str, Any]) -> Dict[str, Any]:
    """The settings that JSON can hold."""
    plain = (str, int, float, bool, type(None))
    return {
        name: value
        for name, value in given.items()
        if isinstance(value, plain)
        or (isinstance(value, (list, tuple)) and all(isinstance(each, plain) for each in value))
    }


def _check_metric(given: Mapping[str, Any]) -> None:
    metric, known = given["primary_metric"], metrics_of(given["task"])
    if metric not in known:
        raise ConfigException(
            "primary_metric is {}; for {} it is one of {}".format(
                metric, given["task"], ", ".join(known)
            )
        )
    if given["positive_label"] is not None and given["task"] != "classification":
        raise ConfigException("positive_label is for classification only")


def _check_data(given: Mapping[str, Any]) -> None:
    if given["X"] is not None or given["y"] is not None:
        if given["training_data"] is not None:
            raise ConfigException("training_data stands beside X and y; keep training_data")
        raise ConfigException("pass training_data and label_column_name instead of X and y")
    if given["training_data"] is None:
        raise ConfigException("a search for a model needs training_data")
    if not given["label_column_name"]:
        raise ConfigException("training_data needs a label_column_name")


def _check_range(name: str, value: Any, least: float, most: Optional[float]) -> None:
    if value is None:
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or value < least or (most is not None and value > most):
        raise ConfigException(
            "{} is {!r}; it is a number from {} {}".format(
                name, value, least, "on" if most is None else f"to {most}"
            )
        )


def _seconds(given: Mapping[str, Any]) -> float:
    hours = given["experiment_timeout_hours"]
    minutes = given.get("experiment_timeout_minutes")
    seconds = given.get("experiment_timeout_seconds")
    if seconds is not None:
        return float(seconds)
    if minutes is not None:
        return 60.0 * float(minutes)
    return 3600.0 * float(hours) if hours is not None else 60.0 * TIMEOUT_MINUTES_DEFAULT


def _trial_seconds(given: Mapping[str, Any]) -> Optional[float]:
    minutes = given["iteration_timeout_minutes"]
    seconds = given.get("iteration_timeout_seconds")
    if seconds is not None:
        return float(seconds)
    return None if minutes is None else 60.0 * minutes


def _learners(task: str, given: Mapping[str, Any]) -> Dict[str, List[str]]:
    """The learners that are wanted and those that are not, by FLAML's names."""
    found: Dict[str, List[str]] = {"allowed": [], "blocked": []}
    for word in found:
        for name in given.get(word + "_models") or []:
            if name not in LEARNERS:
                raise ConfigException(
                    "{}_models names {}, which is no model; these are: {}".format(
                        word, name, ", ".join(sorted(LEARNERS))
                    )
                )
            learner = LEARNERS[name]
            if learner == "lrl2" and task != "classification":
                learner = None
            if learner is not None and learner not in found[word]:
                found[word].append(learner)
    if given.get("allowed_models") and not found["allowed"]:
        raise ConfigException(
            "none of allowed_models is there; these are: {}".format(
                ", ".join(sorted(name for name, learner in LEARNERS.items() if learner))
            )
        )
    return found


def _dropped(featurization: Any) -> List[str]:
    dropped = getattr(featurization, "drop_columns", None)
    if isinstance(featurization, dict):
        dropped = featurization.get("drop_columns")
    return list(dropped or [])


def _forecasting(given: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    if given["task"] != "forecasting":
        return None
    parameters = given.get("forecasting_parameters")
    known = parameters._to_dict() if parameters is not None else dict(given)
    time_column = known.get("time_column_name")
    if not time_column:
        raise ConfigException("forecasting needs a time_column_name")
    series = known.get("time_series_id_column_names") or given.get("grain_column_names")
    horizon = known.get("forecast_horizon") or given.get("max_horizon") or 1
    return {
        "time_column": time_column,
        "series": [series] if isinstance(series, str) else list(series or []),
        "horizon": 1 if horizon == "auto" else int(horizon),
    }
