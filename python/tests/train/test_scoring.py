"""The metrics of AutoML that programs compute by themselves."""

from __future__ import annotations

import math

import pytest

from azureml.automl.core.shared import constants
from azureml.automl.runtime.shared.score import constants as scores
from azureml.automl.runtime.shared.score import scoring
from azureml.exceptions import UserErrorException

pytest.importorskip("sklearn")


def test_predicted_numbers_are_measured_by_all_names() -> None:
    names = list(constants.Metric.SCALAR_REGRESSION_SET)
    found = scoring.score_regression(y_test=[1.0, 2.0, 5.0], y_pred=[1.0, 3.0, 5.0], metrics=names)
    assert sorted(found) == sorted(scores.REGRESSION_SCALAR_SET)
    assert found["mean_absolute_error"] == pytest.approx(1 / 3)
    assert found["normalized_mean_absolute_error"] == pytest.approx(1 / 12)
    assert found["mean_absolute_percentage_error"] == pytest.approx(50 / 3)
    log = abs(math.log(3) - math.log(4)) / math.sqrt(3)
    assert found["root_mean_squared_log_error"] == pytest.approx(log)
    wide = scoring.score_regression([1, 2], [1, 3], ["normalized_mean_absolute_error"], 11, 1)
    assert wide == {"normalized_mean_absolute_error": pytest.approx(0.05)}


def test_where_there_is_no_logarithm_it_is_not_a_number() -> None:
    found = scoring.score_regression([-2.0, 0.0], [-2.0, 1.0], scores.REGRESSION_SCALAR_SET)
    assert math.isnan(found["root_mean_squared_log_error"])
    assert found["mean_absolute_percentage_error"] == 0


def test_predicted_classes_are_measured_by_all_names() -> None:
    chances = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9]]
    names = list(constants.Metric.SCALAR_CLASSIFICATION_SET)
    labels = ["no", "yes"]
    found = scoring.score_classification(
        ["no", "yes", "yes", "yes"], chances, names, labels, labels
    )
    assert sorted(found) == sorted(scores.CLASSIFICATION_SCALAR_SET)
    assert found["accuracy"] == 0.75 and found["AUC_weighted"] == 1


def test_a_metric_that_is_not_there_is_named() -> None:
    with pytest.raises(UserErrorException, match="residuals"):
        scoring.score_regression([1], [1], ["r2_score", "residuals"])
