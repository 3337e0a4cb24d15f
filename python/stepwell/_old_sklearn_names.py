"""Which keywords, values and modules scikit-learn has lost, and what they are today. Pure."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Set, Tuple

# The keywords instead of one by its value, or `None` for a value with which it stays.
Today = Callable[[Any], Optional[Dict[str, Any]]]


class Change(NamedTuple):
    """What became of a keyword, or of some of its values."""

    new: Optional[str] = None  # the keyword's name today
    values: Tuple[Tuple[str, Any], ...] = ()  # values, and what they are today
    without: Tuple[Any, ...] = ()  # values with which it can be left away

    def lost(self, name: str, known: Set[str], checked: Mapping[str, Any]) -> Optional[Today]:
        """What to do for the keyword with the installed class, or `None` for nothing.

        Args:
            name: The keyword.
            known: The keywords of the class.
            checked: What the class takes, by keyword; empty where it does not say so.
        """
        if name in known:
            taken = {
                str(option)
                for each in checked.get(name, ())
                for option in getattr(each, "options", ())
            }
            gone = dict(self.values) if name in checked else {}
            gone = {old: new for old, new in gone.items() if old not in taken}
            return (lambda value: _with(name, gone, value)) if gone else None
        if self.new is not None:
            new = self.new
            return (lambda value: {new: value}) if new in known else None
        return lambda value: {} if any(_same(value, each) for each in self.without) else None


def _with(name: str, gone: Mapping[str, Any], value: Any) -> Optional[Dict[str, Any]]:
    return {name: gone[value]} if isinstance(value, str) and value in gone else None


def _same(value: Any, other: Any) -> bool:
    return value is other or (isinstance(value, (int, str)) and value == other)


Changes = Mapping[str, Change]

_ANY_FLAG = (True, False, None)
_SPLIT = {
    "min_impurity_split": Change(without=(None,)),
    "presort": Change(without=(*_ANY_FLAG, "auto")),
}
_SQUARED = (("mse", "squared_error"), ("mae", "absolute_error"))
_CRITERION = Change(values=_SQUARED)
_ROOT = Change(values=(("auto", "sqrt"),))
_ALL = Change(values=(("auto", 1.0),))
_ESTIMATOR = {"base_estimator": Change(new="estimator")}
_LOSSES = (("ls", "squared_error"), ("lad", "absolute_error"))
_SGD = {
    "loss": Change(values=(("log", "log_loss"), ("squared_loss", "squared_error"))),
    "n_iter": Change(new="max_iter"),
}
# `normalize=True` changed nothing in what plain least squares predict, and much elsewhere.
_NORMALIZE = {"normalize": Change(without=(False, "deprecated"))}
_LOGISTIC = {
    "penalty": Change(values=(("none", None),)),
    "multi_class": Change(without=("auto", "multinomial", "warn")),
}
_TREE = {**_SPLIT, "criterion": _CRITERION}

_CHANGES: Dict[str, Changes] = {
    "OneHotEncoder": {"sparse": Change(new="sparse_output")},
    "LogisticRegression": _LOGISTIC,
    "LogisticRegressionCV": _LOGISTIC,
    "LinearRegression": {"normalize": Change(without=(True, False, "deprecated"))},
    "DecisionTreeClassifier": {**_SPLIT, "max_features": _ROOT},
    "DecisionTreeRegressor": {**_TREE, "max_features": _ALL},
    "ExtraTreeClassifier": {**_SPLIT, "max_features": _ROOT},
    "ExtraTreeRegressor": {**_TREE, "max_features": _ALL},
    "RandomForestClassifier": {**_SPLIT, "max_features": _ROOT},
    "RandomForestRegressor": {**_TREE, "max_features": _ALL},
    "ExtraTreesClassifier": {**_SPLIT, "max_features": _ROOT},
    "ExtraTreesRegressor": {**_TREE, "max_features": _ALL},
    "GradientBoostingClassifier": {
        **_TREE,
        "loss": Change(values=(("deviance", "log_loss"),)),
        "max_features": _ROOT,
    },
    "GradientBoostingRegressor": {**_TREE, "loss": Change(values=_LOSSES), "max_features": _ALL},
    "HistGradientBoostingRegressor": {
        "loss": Change(
            values=(
                ("least_squares", "squared_error"),
                ("least_absolute_deviation", "absolute_error"),
            )
        )
    },
    "BaggingClassifier": _ESTIMATOR,
    "BaggingRegressor": _ESTIMATOR,
    "AdaBoostClassifier": {**_ESTIMATOR, "algorithm": Change(without=("SAMME",))},
    "AdaBoostRegressor": _ESTIMATOR,
    "CalibratedClassifierCV": _ESTIMATOR,
    "RANSACRegressor": {
        **_ESTIMATOR,
        "loss": Change(values=(("absolute_loss", "absolute_error"),)),
    },
    "IsolationForest": {"behaviour": Change(without=("new", "deprecated"))},
    "LocalOutlierFactor": {"behaviour": Change(without=("new", "deprecated"))},
    "SGDClassifier": _SGD,
    "SGDRegressor": _SGD,
    "Perceptron": {"n_iter": Change(new="max_iter")},
    "KMeans": {
        "n_jobs": Change(without=(*_ANY_FLAG, 1, -1)),
        "precompute_distances": Change(without=(*_ANY_FLAG, "auto")),
        "algorithm": Change(values=(("auto", "lloyd"), ("full", "lloyd"))),
    },
    "AgglomerativeClustering": {"affinity": Change(new="metric")},
    "FeatureAgglomeration": {"affinity": Change(new="metric")},
    "SimpleImputer": {"verbose": Change(without=(0, 1, "deprecated"))},
    "GridSearchCV": {"iid": Change(without=(False, "deprecated"))},
    "RandomizedSearchCV": {"iid": Change(without=(False, "deprecated"))},
    "TSNE": {"n_iter": Change(new="max_iter")},
}
for _each in (
    "Ridge RidgeCV RidgeClassifier RidgeClassifierCV Lasso LassoCV ElasticNet ElasticNetCV Lars "
    "LarsCV LassoLars LassoLarsCV LassoLarsIC BayesianRidge ARDRegression OrthogonalMatchingPursuit"
).split():
    _CHANGES[_each] = _NORMALIZE

# The transformers that had `get_feature_names`.
NAMED_FEATURES = frozenset(
    "ColumnTransformer CountVectorizer DictVectorizer FeatureUnion OneHotEncoder "
    "PolynomialFeatures TfidfVectorizer".split()
)

# The modules whose classes and functions something is given back to, once they are loaded.
MODULES = frozenset(
    "sklearn." + each
    for each in (
        "calibration cluster compose ensemble feature_extraction feature_extraction.text impute "
        "inspection linear_model manifold metrics model_selection neighbors pipeline "
        "preprocessing tree utils"
    ).split()
)

# Modules that went into another one, and those whose private name is not theirs with `_` before it.
_WENT = {
    "sklearn.cross_validation": "sklearn.model_selection",
    "sklearn.grid_search": "sklearn.model_selection",
    "sklearn.learning_curve": "sklearn.model_selection",
    "sklearn.cluster.k_means_": "sklearn.cluster._kmeans",
    "sklearn.ensemble.gradient_boosting": "sklearn.ensemble._gb",
    "sklearn.ensemble.partial_dependence": "sklearn.inspection",
    "sklearn.neighbors.unsupervised": "sklearn.neighbors._unsupervised",
    "sklearn.preprocessing.imputation": "sklearn.impute",
    "sklearn.svm.classes": "sklearn.svm._classes",
    "sklearn.tree.tree": "sklearn.tree._classes",
}


def changes_of(kind: str) -> Changes:
    """What became of the keywords of a class."""
    return _CHANGES.get(kind, {})


def where(name: str) -> Optional[str]:
    """Where a module of scikit-learn's may be that is not there.

    Example:
        >>> where("sklearn.ensemble.forest"), where("sklearn.grid_search"), where("sklearn.none")
        ('sklearn.ensemble._forest', 'sklearn.model_selection', None)
    """
    if name in _WENT:
        return _WENT[name]
    parts = name.split(".")
    if len(parts) != 3 or parts[0] != "sklearn" or parts[2].startswith("_"):
        return None
    return ".".join([*parts[:2], "_" + parts[2].rstrip("_")])
