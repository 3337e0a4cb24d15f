"""Constants of AutoML that programs read."""

from azureml.automl.runtime.shared.score.constants import (
    CLASSIFICATION_SCALAR_SET,
    REGRESSION_SCALAR_SET,
)

MODEL_PATH = "outputs/model.pkl"
PROPERTY_KEY_OF_MODEL_PATH = "model_output_path"


class Tasks(object):
    """The kinds of task."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    FORECASTING = "forecasting"
    ALL = [CLASSIFICATION, REGRESSION, FORECASTING]


class Metric(object):
    """The names of metrics that models are compared by."""

    Accuracy = "accuracy"
    AUCWeighted = "AUC_weighted"
    AvgPrecisionWeighted = "average_precision_score_weighted"
    NormMacroRecall = "norm_macro_recall"
    PrecisionWeighted = "precision_score_weighted"
    NormRMSE = "normalized_root_mean_squared_error"
    NormMeanAbsError = "normalized_mean_absolute_error"
    R2Score = "r2_score"
    Spearman = "spearman_correlation"
    CLASSIFICATION_PRIMARY_SET = {
        Accuracy,
        AUCWeighted,
        AvgPrecisionWeighted,
        NormMacroRecall,
        PrecisionWeighted,
    }
    REGRESSION_PRIMARY_SET = {NormRMSE, NormMeanAbsError, R2Score, Spearman}
    # scalar metrics by which programs choose
    SCALAR_REGRESSION_SET = set(REGRESSION_SCALAR_SET)
    SCALAR_CLASSIFICATION_SET = set(CLASSIFICATION_SCALAR_SET)


class TimeSeries(object):
    """Names of settings of forecasts."""

    TIME_COLUMN_NAME = "time_column_name"
    GRAIN_COLUMN_NAMES = "grain_column_names"
    TIME_SERIES_ID_COLUMN_NAMES = "time_series_id_column_names"
    MAX_HORIZON = "forecast_horizon"
    FREQUENCY = "freq"


class FeaturizationConfigMode(object):
    """Whether columns are prepared."""

    Auto = "auto"
    Off = "off"
    Customized = "customized"
