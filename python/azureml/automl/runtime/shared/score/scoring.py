"""`score_regression` and `score_classification`: metrics of predictions by AutoML's names."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional

from azureml.automl.runtime.shared.score.constants import (
    CLASSIFICATION_SCALAR_SET,
    REGRESSION_SCALAR_SET,
)
from azureml.exceptions import UserErrorException


def score_regression(
    y_test: Any,
    y_pred: Any,
    metrics: Iterable[str],
    y_max: Optional[float] = None,
    y_min: Optional[float] = None,
    y_std: Optional[float] = None,
    sample_weight: Any = None,
    bin_info: Any = None,
    **kwargs: Any,
) -> Dict[str, float]:
    """Measure predicted numbers.

    Args:
        y_test: The true values.
        y_pred: The predicted ones.
        metrics: The names of the metrics, of `constants.REGRESSION_SCALAR_SET`.
        y_max: The largest value of the range that errors are normalized by; of `y_test` unless
            given.
        y_min: The smallest value of that range.
        y_std: Recorded by v1 only.
        sample_weight: Not taken into account.
        bin_info: For charts of v1 only.
        **kwargs: For charts of v1 only.

    Returns:
        The values by name.

    Raises:
        UserErrorException: A name is that of no metric.
    """
    import numpy as np

    from stepwell._automl import measured

    wanted = _checked(metrics, REGRESSION_SCALAR_SET)
    true, predicted = np.asarray(y_test, dtype=float), np.asarray(y_pred, dtype=float)
    found = measured("regression", true, predicted, None, None)
    low = true.min() if y_min is None else y_min
    high = true.max() if y_max is None else y_max
    span = (high - low) or 1.0
    for name in ("mean_absolute_error", "median_absolute_error", "root_mean_squared_error"):
        found["normalized_" + name] = float(found[name] / span)
    found.update(_relative(np, true, predicted, low, high))
    return {name: found[name] for name in wanted}


def _relative(np: Any, true: Any, predicted: Any, low: float, high: float) -> Dict[str, float]:
    """The errors in percent and of logarithms; not a number where there are none."""
    some = np.abs(true) > 0
    parts = np.abs((true - predicted)[some] / true[some])
    logs, normal = float("nan"), float("nan")
    if min(true.min(), predicted.min(), low) > -1:
        logs = float(np.sqrt(np.mean((np.log1p(true) - np.log1p(predicted)) ** 2)))
        normal = logs / (float(np.log1p(high) - np.log1p(low)) or 1.0)
    return {
        "mean_absolute_percentage_error": float(100 * parts.mean()) if len(parts) else float("nan"),
        "root_mean_squared_log_error": logs,
        "normalized_root_mean_squared_log_error": normal,
    }


def score_classification(
    y_test: Any,
    y_pred: Any,
    metrics: Iterable[str],
    class_labels: Any,
    train_labels: Any,
    sample_weight: Any = None,
    y_transformer: Any = None,
    use_binary: bool = False,
    **kwargs: Any,
) -> Dict[str, float]:
    """Measure predicted classes.

    Args:
        y_test: The true classes.
        y_pred: For each row the probabilities of `train_labels`.
        metrics: The names of the metrics, of `constants.CLASSIFICATION_SCALAR_SET`.
        class_labels: All classes.
        train_labels: The classes that the model knows, in the order of the probabilities.
        sample_weight: Not taken into account.
        y_transformer: What turned classes into numbers; its inverse is not needed here.
        use_binary: Averages are those of all classes here.
        **kwargs: For charts of v1 only.

    Returns:
        The values by name.

    Raises:
        UserErrorException: A name is that of no metric.
    """
    import numpy as np

    from stepwell._automl import measured

    wanted = _checked(metrics, CLASSIFICATION_SCALAR_SET)
    true, chances = np.asarray(y_test), np.asarray(y_pred, dtype=float)
    labels = list(train_labels)
    predicted = np.asarray(labels)[chances.argmax(axis=1)]
    found = measured("classification", true, predicted, chances, labels)
    return {name: found[name] for name in wanted}


def _checked(metrics: Iterable[str], known: Iterable[str]) -> Iterable[str]:
    wanted = list(metrics)
    others = sorted(set(wanted) - set(known))
    if others:
        raise UserErrorException(
            "{} is no metric that is computed here; these are: {}".format(
                ", ".join(others), ", ".join(sorted(known))
            )
        )
    return wanted
