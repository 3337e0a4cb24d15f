"""AutoML's settings: what is refused when, and what a search is sent."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from azureml._not_yet import NotSupportedYet
from azureml.automl.core.shared.constants import MODEL_PATH, PROPERTY_KEY_OF_MODEL_PATH
from azureml.exceptions import UserErrorException
from azureml.pipeline.steps import AutoMLStep
from azureml.train.automl import AutoMLConfig, FeaturizationConfig, ForecastingParameters, _settings
from azureml.train.automl.exceptions import ConfigException
from azureml.train.automl.utilities import get_primary_metrics


def config(**keywords: Any) -> AutoMLConfig:
    keywords.setdefault("task", "classification")
    keywords.setdefault("training_data", object())
    keywords.setdefault("label_column_name", "y")
    return AutoMLConfig(**keywords)


def wire(**keywords: Any) -> Dict[str, Any]:
    return _settings.wire(config(**keywords).user_settings)


@pytest.mark.parametrize(
    "keywords",
    [
        {"task": "clustering"},
        {"featurization": "some"},
        {"allowed_models": ["SGD"], "blocked_models": ["SGD", "KNN"]},
    ],
)
def test_some_settings_are_refused_at_once(keywords: Dict[str, Any]) -> None:
    with pytest.raises(ConfigException):
        config(**keywords)


@pytest.mark.parametrize(
    "keywords",
    [
        {"primary_metric": "r2_score"},
        {"experiment_timeout_hours": 0.1},
        {"n_cross_validations": 1},
        {"validation_size": 2},
        {"iterations": 2000},
        {"iteration_timeout_minutes": 0},
        {"max_concurrent_iterations": 0},
        {"allowed_models": ["NoSuchModel"]},
        {"allowed_models": ["DecisionTree"]},
        {"label_column_name": None},
        {"training_data": None},
        {"X": [1], "y": [1]},
        {"task": "regression", "positive_label": "yes"},
        {"task": "forecasting"},
    ],
)
def test_the_others_are_refused_when_the_search_starts(keywords: Dict[str, Any]) -> None:
    made = config(**keywords)
    with pytest.raises(ConfigException):
        _settings.wire(made.user_settings)


def test_images_and_texts_say_what_to_do() -> None:
    with pytest.raises(NotSupportedYet, match="ScriptRunConfig"):
        config(task="image-classification")


def test_what_a_search_is_sent() -> None:
    made = wire(
        experiment_timeout_hours=0.5,
        iteration_timeout_minutes=2,
        whitelist_models=["LightGBM", "XGBoostClassifier"],
        featurization=FeaturizationConfig(drop_columns=["id"]),
        n_cross_validations=5,
    )
    assert (made["seconds"], made["trial_seconds"], made["folds"]) == (1800, 120, 5)
    assert made["learners"] == {"allowed": ["lgbm", "xgboost"], "blocked": []}
    assert (made["primary_metric"], made["drop_columns"]) == ("accuracy", ["id"])


def test_what_has_no_effect_is_named() -> None:
    given = config(enable_dnn=True, max_concurrent_iterations=4).user_settings
    assert _settings.without_effect(given) == ["enable_dnn", "max_concurrent_iterations"]


def test_a_forecast_has_its_time_and_its_horizon() -> None:
    parameters = ForecastingParameters("day", forecast_horizon=7, time_series_id_column_names="s")
    made = wire(task="forecasting", forecasting_parameters=parameters)
    assert made["forecasting"] == {"time_column": "day", "series": ["s"], "horizon": 7}
    assert parameters.formatted_time_series_id_column_names == ["s"]


@pytest.mark.parametrize(
    "keywords",
    [
        {"time_column_name": None},
        {"forecast_horizon": 0},
        {"target_lags": 3000},
        {"target_rolling_window_size": 1},
        {"seasonality": 0},
        {"short_series_handling_configuration": "fill"},
        {"target_aggregation_function": "sum"},
        {"feature_lags": 2},
    ],
)
def test_parameters_of_a_forecast_are_checked(keywords: Dict[str, Any]) -> None:
    with pytest.raises(ConfigException):
        ForecastingParameters(**{"time_column_name": "day", **keywords})


def test_the_preparation_of_columns_is_checked() -> None:
    made = FeaturizationConfig()
    made.add_column_purpose("a", "Numeric")
    made.add_transformer_params("Imputer", ["a"], {"strategy": "median"})
    assert made.get_transformer_params("Imputer", ["a"]) == {"strategy": "median"}
    with pytest.raises(ConfigException):
        made.add_column_purpose("a", "Number")
    with pytest.raises(ConfigException):
        made.add_transformer_params("Imputer", ["a"], {"strategy": "constant"})


def test_a_step_needs_a_target_that_is_an_object() -> None:
    with pytest.raises(ConfigException):
        AutoMLStep("search", config(compute_target="cluster"))
    with pytest.raises(ConfigException):
        AutoMLStep("search", config())


def test_constants_and_metrics_are_those_of_v1() -> None:
    assert (MODEL_PATH, PROPERTY_KEY_OF_MODEL_PATH) == ("outputs/model.pkl", "model_output_path")
    assert "AUC_weighted" in get_primary_metrics("classification")
    assert "spearman_correlation" in get_primary_metrics("regression")
    assert issubclass(ConfigException, UserErrorException)
