"""What scikit-learn has lost is there again in the programs of steps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, List

import pytest
from test_start_hook import _run

from stepwell import _old_sklearn_names as names

SCRIPT = """
import pickle
import pandas as pd
from sklearn.base import clone
from sklearn.cross_validation import train_test_split
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.ensemble.forest import RandomForestClassifier as found_elsewhere
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.grid_search import GridSearchCV
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import mean_squared_error
from sklearn.preprocessing import Imputer, OneHotEncoder
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import check_array, tosequence

assert found_elsewhere is RandomForestClassifier
X, y = load_iris(return_X_y=True)
frame = pd.DataFrame({"job": ["a", "b"], "size": ["x", "x"]})
encoder = OneHotEncoder(handle_unknown="ignore", sparse=False).fit(frame)
for each in (encoder, clone(encoder).fit(frame), pickle.loads(pickle.dumps(encoder))):
    print(each.transform(frame).tolist())
print(list(encoder.get_feature_names()), list(encoder.get_feature_names(["j", "s"])))
print(CountVectorizer().fit(["bb aa"]).get_feature_names())
print(mean_squared_error([1, 2], [1, 4]))
print(round(mean_squared_error([1, 2], [1, 4], squared=False), 3))
assert pickle.loads(pickle.dumps(mean_squared_error)) is mean_squared_error
forest = RandomForestClassifier(3, max_features="auto", min_impurity_split=None).fit(X, y)
print(forest.max_features, clone(forest).fit(X, y).set_params(max_features="auto").max_features)
grid = {"max_features": ["auto"]}
print(GridSearchCV(RandomForestClassifier(3), grid, cv=2, iid=False).fit(X, y).best_params_)
tree = DecisionTreeRegressor(criterion="mse").fit(X, y)
print(type(BaggingClassifier(base_estimator=None)).__name__, tree.criterion)
print(LogisticRegression(multi_class="auto", penalty="none").penalty)
print(Imputer().fit_transform([[1.0], [float("nan")]]).tolist())
LinearRegression(normalize=True).fit(X, y)
print(check_array([[1.0]], force_all_finite=False).tolist(), tosequence((1, 2)))
weights = {"sample_weight": [1.0] * len(y)}
print(len(cross_val_score(DecisionTreeRegressor(), X, y, cv=2, fit_params=weights)))
for wrong in (lambda: Ridge(normalize=True), lambda: OneHotEncoder(spars=1)):
    try:
        wrong()
    except TypeError as error:
        print(error)
"""

PLOTS = """
import matplotlib
matplotlib.use("Agg")
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import plot_confusion_matrix, plot_precision_recall_curve, plot_roc_curve

X, y = load_iris(return_X_y=True)
X, y = X[:100], y[:100]
model = LogisticRegression().fit(X, y)
for plot in (plot_confusion_matrix, plot_roc_curve, plot_precision_recall_curve):
    print(type(plot(model, X, y)).__name__)
"""


def _printed(folder: Path, text: str, **variables: str) -> List[str]:
    (folder / "a.py").write_text(text)
    ignore = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    return _run(sys.executable, folder, "a.py", **ignore, **variables).splitlines()


def test_names_keywords_and_values_are_there_again_and_each_says_so_once(tmp_path: Path) -> None:
    release = pytest.importorskip("sklearn").__version__
    pytest.importorskip("pandas")
    if tuple(map(int, release.split(".")[:2])) < (1, 8):
        pytest.skip("this release has some of them by itself")
    printed = _printed(tmp_path, SCRIPT)
    said = [line for line in printed if line.startswith("[stepwell]")]
    assert [line for line in printed if line not in said] == [
        *["[[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]"] * 3,
        "['x0_a', 'x0_b', 'x1_x'] ['j_a', 'j_b', 's_x']",
        "['aa', 'bb']",
        "2.0",
        "1.414",
        "sqrt sqrt",
        "{'max_features': 'auto'}",
        "BaggingClassifier squared_error",
        "None",
        "[[1.0], [1.0]]",
        "[[1.0]] (1, 2)",
        "2",
        "Ridge.__init__() got an unexpected keyword argument 'normalize'",
        "OneHotEncoder.__init__() got an unexpected keyword argument 'spars'",
    ]
    assert len(said) == len(set(said)) == 19, said
    begin = f"[stepwell] scikit-learn {release} has no "
    assert begin + "`OneHotEncoder(sparse=False)`: it is `sparse_output=False`" in said
    assert begin + "`sklearn.grid_search`: it is `sklearn.model_selection`" in said


def test_what_plotted_plots_again(tmp_path: Path) -> None:
    for needed in ("sklearn", "matplotlib"):
        pytest.importorskip(needed)
    printed = _printed(tmp_path, PLOTS)
    assert [line for line in printed if not line.startswith("[stepwell]")] == [
        "ConfusionMatrixDisplay",
        "RocCurveDisplay",
        "PrecisionRecallDisplay",
    ]


def test_a_step_may_forbid_it(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    text = """
import sklearn.metrics
from sklearn.preprocessing import OneHotEncoder
print(hasattr(sklearn.metrics, "plot_roc_curve"), hasattr(OneHotEncoder, "get_feature_names"))
for attempt in ("OneHotEncoder(sparse=False)", "__import__('sklearn.grid_search')"):
    try:
        eval(attempt)
    except (ImportError, TypeError) as error:
        print(type(error).__name__)
"""
    printed = _printed(tmp_path, text, STEPWELL_OLD_SKLEARN_NAMES="0")
    assert printed == ["False False", "TypeError", "ModuleNotFoundError"]


class Options:
    """As scikit-learn's own classes say which texts they take."""

    def __init__(self, *options: str) -> None:
        self.options = set(options)


@pytest.mark.parametrize(
    ("kind", "keyword", "value", "known", "checked", "expected"),
    [
        ("OneHotEncoder", "sparse", True, {"sparse"}, {}, None),
        ("OneHotEncoder", "sparse", True, {"sparse_output"}, {}, {"sparse_output": True}),
        ("RandomForestClassifier", "max_features", "auto", {"max_features"}, {}, None),
        (
            "RandomForestClassifier",
            "max_features",
            "auto",
            {"max_features"},
            {"max_features": [int, Options("auto", "sqrt")]},
            None,
        ),
        (
            "RandomForestRegressor",
            "max_features",
            "auto",
            {"max_features"},
            {"max_features": [int, Options("sqrt")]},
            {"max_features": 1.0},
        ),
        ("Ridge", "normalize", False, set(), {}, {}),
        ("Ridge", "normalize", True, set(), {}, None),
    ],
)
def test_what_the_installed_release_has_stays(
    kind: str, keyword: str, value: Any, known: Any, checked: Any, expected: Any
) -> None:
    lost = names.changes_of(kind)[keyword].lost(keyword, known, checked)
    assert (None if lost is None else lost(value)) == expected
