"""The functions and methods that scikit-learn has lost, by what it has instead."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional


def feature_names(transformer: Any, input_features: Optional[Any] = None) -> Any:
    """What `get_feature_names` gave: the names of the columns that come out.

    Args:
        transformer: One that has been fitted.
        input_features: The names of the columns that went in; `x0`, `x1`, … unless given, whatever
            the columns of the frame were called.

    Returns:
        The names; a list where it was one.
    """
    from copy import copy

    kind = type(transformer).__name__
    if kind not in ("OneHotEncoder", "PolynomialFeatures"):
        return list(transformer.get_feature_names_out())
    unnamed = copy(transformer)
    vars(unnamed).pop("feature_names_in_", None)
    columns = range(transformer.n_features_in_)
    given: List[str] = [f"x{each}" for each in columns]
    if input_features is not None:
        given = list(input_features)
    found = unnamed.get_feature_names_out(given)
    return found if kind == "OneHotEncoder" else list(found)


def square_again(module: Any) -> None:
    """Have the errors of `sklearn.metrics` take `squared=` again."""
    for name in ("mean_squared_error", "mean_squared_log_error"):
        root = getattr(module, "root_" + name, None)
        if module.__name__ == "sklearn.metrics" and root is not None:
            _take_squared(module, name, root)


def _take_squared(metrics: Any, name: str, root: Callable[..., Any]) -> None:
    import sys
    from functools import wraps
    from inspect import signature

    squared = getattr(metrics, name)
    if "squared" in signature(squared).parameters:
        return

    @wraps(squared)
    def error(*args: Any, **keywords: Any) -> Any:
        from stepwell import _old_sklearn

        if "squared" not in keywords or _old_sklearn.forbidden():
            return squared(*args, **keywords)
        asked = keywords.pop("squared")
        _old_sklearn.say(f"{name}(squared=...)", f"False is `root_{name}`")
        return (squared if asked else root)(*args, **keywords)

    # A pickle finds a function where it was defined.
    setattr(metrics, name, error)
    setattr(sys.modules[squared.__module__], name, error)


def _display(kind: str) -> Callable[[Any], Any]:
    def make(module: Any) -> Any:
        return getattr(module, kind).from_estimator

    return make


def _imputer(module: Any) -> Any:
    def imputer(
        missing_values: Any = "NaN",
        strategy: str = "mean",
        axis: int = 0,
        verbose: int = 0,
        copy: bool = True,
    ) -> Any:
        from sklearn.impute import SimpleImputer

        if axis != 0:
            raise ValueError(
                "Imputer(axis=1), along the rows, has no equal in scikit-learn any more"
            )
        missing = float("nan") if missing_values == "NaN" else missing_values
        return SimpleImputer(missing_values=missing, strategy=strategy, copy=copy)

    return imputer


def _scorers(module: Any) -> Any:
    return {name: module.get_scorer(name) for name in module.get_scorer_names()}


_DISPLAYS = {
    "plot_confusion_matrix": "ConfusionMatrixDisplay",
    "plot_roc_curve": "RocCurveDisplay",
    "plot_precision_recall_curve": "PrecisionRecallDisplay",
    "plot_det_curve": "DetCurveDisplay",
}

# By module, the names that are gone, and how each is made from its module.
GONE: Dict[str, Dict[str, Callable[[Any], Any]]] = {
    "sklearn.metrics": {
        **{name: _display(kind) for name, kind in _DISPLAYS.items()},
        "SCORERS": _scorers,
        "calinski_harabaz_score": lambda module: module.calinski_harabasz_score,
        "jaccard_similarity_score": lambda module: module.accuracy_score,
    },
    "sklearn.inspection": {"plot_partial_dependence": _display("PartialDependenceDisplay")},
    "sklearn.preprocessing": {"Imputer": _imputer},
}
