"""The functions and methods that scikit-learn has lost, by what it has instead."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple


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


def take_again(module: Any) -> None:
    """Have the functions of a module take the keywords that they took.

    Args:
        module: One of scikit-learn's that has just been loaded.
    """
    from inspect import isfunction, signature

    for names, old, new in _KEYWORDS.get(module.__name__, ()):
        for name in names.split():
            function = getattr(module, name, None)
            if not isfunction(function):
                continue
            known = signature(function).parameters
            root = getattr(module, "root_" + name, None)
            if old not in known and (root is not None if new is None else new in known):
                _replace(module, function, _with_keyword(function, old, new, root))


def _with_keyword(function: Any, old: str, new: Optional[str], root: Any) -> Any:
    """The function with a keyword it has lost: by its new name, or by a function for `False`."""
    from functools import wraps

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        from stepwell import _old_sklearn

        if old not in keywords or _old_sklearn.forbidden():
            return function(*args, **keywords)
        value = keywords.pop(old)
        instead = f"it is `{new}`" if new else f"False is `{root.__name__}`"
        _old_sklearn.say(f"{function.__name__}({old}=...)", instead)
        if new is None:
            return (function if value else root)(*args, **keywords)
        return function(*args, **keywords, **{new: value})

    return call


def _replace(module: Any, function: Any, made: Any) -> None:
    """Put a function in the place of another: where it is found, and where a pickle finds it."""
    import sys

    setattr(module, function.__name__, made)
    setattr(sys.modules[function.__module__], function.__name__, made)


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


def _to_sequence(module: Any) -> Any:
    def tosequence(x: Any) -> Any:
        from collections.abc import Sequence

        import numpy

        if isinstance(x, numpy.ndarray):
            return numpy.asarray(x)
        return x if isinstance(x, Sequence) else list(x)

    return tosequence


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
    "sklearn.utils": {
        "safe_indexing": lambda module: module._safe_indexing,
        "tosequence": _to_sequence,
    },
}

_CROSS = (
    "cross_val_predict cross_val_score cross_validate learning_curve permutation_test_score "
    "validation_curve"
)

# By module: functions, the keyword they have lost, and the one they have instead; without one, the
# function `root_...` stands for `False`.
_KEYWORDS: Dict[str, Tuple[Tuple[str, str, Optional[str]], ...]] = {
    "sklearn.metrics": (("mean_squared_error mean_squared_log_error", "squared", None),),
    "sklearn.model_selection": ((_CROSS, "fit_params", "params"),),
    "sklearn.utils": (
        ("as_float_array check_array check_X_y", "force_all_finite", "ensure_all_finite"),
    ),
}
