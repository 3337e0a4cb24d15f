"""`ForecastingParameters`: how a series is forecast."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azureml._fields import OpenField, open_field
from azureml.automl.core.shared.exceptions import ConfigException

AUTO = "auto"
_SHORT_SERIES = (AUTO, "pad", "drop", None)
_AGGREGATIONS = (None, "sum", "max", "min", "mean")
_LAGS_MAX = 2000


class ForecastingParameters(object):
    """How a series is forecast: its time column, its horizon, its lags.

    Example:
        >>> series = ForecastingParameters(
        ...     time_column_name="day", forecast_horizon=14, time_series_id_column_names=["city"]
        ... )
        >>> config = AutoMLConfig(
        ...     task="forecasting",
        ...     training_data=sales,
        ...     label_column_name="amount",
        ...     forecasting_parameters=series,
        ... )
        >>> config.is_timeseries
        True
    """

    _time_series_id_column_names: Any
    _target_lags: Any
    _drop_column_names: Any
    _group_column_names: Any
    _features_unknown_at_forecast_time: Any

    def __init__(
        self,
        time_column_name: Any = None,
        forecast_horizon: Any = 1,
        time_series_id_column_names: Any = None,
        group_column_names: Any = None,
        target_lags: Any = None,
        feature_lags: Any = None,
        target_rolling_window_size: Any = None,
        holiday_country: Any = None,
        seasonality: Any = "auto",
        country_or_region_for_holidays: Any = None,
        use_stl: Any = None,
        short_series_handling: Any = True,
        short_series_handling_configuration: Any = "auto",
        freq: Any = None,
        target_aggregation_function: Any = None,
        cv_step_size: Any = "auto",
        features_unknown_at_forecast_time: Any = None,
        validate_parameters: Any = True,
        **kwargs: Any,
    ) -> None:
        """The parameters; unknown ones are ignored, as in v1.

        Args:
            time_column_name: The column of times; required.
            forecast_horizon: How many periods are forecast, or `auto`.
            time_series_id_column_names: The columns that tell series apart.
            group_column_names, features_unknown_at_forecast_time, use_stl: Kept, without effect.
            target_lags: Lags of the label; checked, without effect.
            feature_lags, short_series_handling_configuration: Checked, without effect.
            target_rolling_window_size: A window over the label; checked, without effect.
            holiday_country, country_or_region_for_holidays: Kept, without effect.
            seasonality, cv_step_size: Periods, or `auto`; checked, without effect.
            short_series_handling: Kept, without effect.
            freq: The distance of two times, as pandas writes it.
            target_aggregation_function: How rows of one period are joined, with `freq`; checked,
                without effect.
            validate_parameters: Whether the values are checked now.

        Raises:
            ConfigException: A value cannot be.
        """
        given = dict(locals())
        for name in NAMES:
            setattr(self, "_" + name, given[name])
        for name in OLDER:
            setattr(self, "_" + name, kwargs.get(name))
        if validate_parameters:
            _check(self)

    def validate_parameters(self) -> None:
        """Check the values.

        Raises:
            ConfigException: One cannot be.
        """
        _check(self)

    @staticmethod
    def from_parameters_dict(
        parameter_dict: Mapping[str, Any],
        validate_params: bool,
        show_deprecate_warnings: bool = True,
    ) -> ForecastingParameters:
        """The parameters of a dictionary; names that are none are ignored.

        Args:
            parameter_dict: The parameters by name.
            validate_params: Whether the values are checked now.
            show_deprecate_warnings: Without effect; there are no such warnings.

        Returns:
            The parameters.
        """
        known = {name: value for name, value in parameter_dict.items() if name in NAMES}
        return ForecastingParameters(**known, validate_parameters=validate_params)

    forecast_horizon: OpenField[Any] = open_field("_forecast_horizon", "As it was given.")
    time_series_id_column_names: OpenField[Any] = open_field(
        "_time_series_id_column_names", "As it was given."
    )
    time_column_name: OpenField[Any] = open_field("_time_column_name", "As it was given.")
    target_lags: OpenField[Any] = open_field("_target_lags", "As it was given.")
    target_rolling_window_size: OpenField[Any] = open_field(
        "_target_rolling_window_size", "As it was given."
    )
    holiday_country: OpenField[Any] = open_field("_holiday_country", "As it was given.")
    country_or_region_for_holidays: OpenField[Any] = open_field(
        "_country_or_region_for_holidays", "As it was given."
    )
    feature_lags: OpenField[Any] = open_field("_feature_lags", "As it was given.")
    use_stl: OpenField[Any] = open_field("_use_stl", "As it was given.")
    group_column_names: OpenField[Any] = open_field("_group_column_names", "As it was given.")
    seasonality: OpenField[Any] = open_field("_seasonality", "As it was given.")
    cv_step_size: OpenField[Any] = open_field("_cv_step_size", "As it was given.")
    freq: OpenField[Any] = open_field("_freq", "As it was given.")
    short_series_handling_configuration: OpenField[Any] = open_field(
        "_short_series_handling_configuration", "As it was given."
    )
    target_aggregation_function: OpenField[Any] = open_field(
        "_target_aggregation_function", "As it was given."
    )
    features_unknown_at_forecast_time: OpenField[Any] = open_field(
        "_features_unknown_at_forecast_time", "As it was given."
    )
    drop_column_names: OpenField[Any] = open_field(
        "_drop_column_names", "Deprecated in v1; kept as it was given."
    )
    dropna: OpenField[Any] = open_field("_dropna", "Deprecated in v1; kept as it was given.")
    overwrite_columns: OpenField[Any] = open_field(
        "_overwrite_columns", "Deprecated in v1; kept as it was given."
    )
    transform_dictionary: OpenField[Any] = open_field(
        "_transform_dictionary", "Deprecated in v1; kept as it was given."
    )

    @property
    def formatted_time_series_id_column_names(self) -> Any:
        """`time_series_id_column_names` as a list."""
        return _listed(self._time_series_id_column_names)

    @property
    def formatted_target_lags(self) -> Any:
        """`target_lags` as a list."""
        return _listed(self._target_lags)

    @property
    def formatted_drop_column_names(self) -> Any:
        """`drop_column_names` as a list."""
        return _listed(self._drop_column_names)

    @property
    def formatted_group_column_names(self) -> Any:
        """`group_column_names` as a list."""
        return _listed(self._group_column_names)

    @property
    def formatted_unknown_features(self) -> Any:
        """`features_unknown_at_forecast_time` as a list."""
        return _listed(self._features_unknown_at_forecast_time)

    def _to_dict(self) -> Dict[str, Any]:
        """What was given, by name."""
        return {name: getattr(self, "_" + name) for name in NAMES}


NAMES = [
    "time_column_name",
    "forecast_horizon",
    "time_series_id_column_names",
    "group_column_names",
    "target_lags",
    "feature_lags",
    "target_rolling_window_size",
    "holiday_country",
    "seasonality",
    "country_or_region_for_holidays",
    "use_stl",
    "short_series_handling",
    "short_series_handling_configuration",
    "freq",
    "target_aggregation_function",
    "cv_step_size",
    "features_unknown_at_forecast_time",
]
OLDER = ["drop_column_names", "dropna", "overwrite_columns", "transform_dictionary"]


def _listed(value: Any) -> Optional[List[Any]]:
    if value is None or isinstance(value, list):
        return value
    return [value]


def _check(given: ForecastingParameters) -> None:
    def refuse(name: str, value: Any, wanted: str) -> None:
        raise ConfigException(f"{name} is {value!r}; it is {wanted}")

    if not given.time_column_name:
        refuse("time_column_name", given.time_column_name, "the name of the column of times")
    horizon = given.forecast_horizon
    if horizon != AUTO and not _is_whole(horizon, 1):
        refuse("forecast_horizon", horizon, "a whole number from 1 on, or auto")
    for lag in _listed(given.target_lags) or []:
        if lag != AUTO and not _is_whole(lag, 1, _LAGS_MAX):
            refuse("target_lags", lag, "a whole number from 1 to 2000, or auto")
    window = given.target_rolling_window_size
    if window not in (None, AUTO) and not _is_whole(window, 2):
        refuse("target_rolling_window_size", window, "a whole number from 2 on")
    for name in ("seasonality", "cv_step_size"):
        value = getattr(given, "_" + name)
        if value not in (None, AUTO) and not _is_whole(value, 1):
            refuse(name, value, "a whole number from 1 on, or auto")
    if given.short_series_handling_configuration not in _SHORT_SERIES:
        refuse(
            "short_series_handling_configuration",
            given.short_series_handling_configuration,
            "auto, pad, drop or None",
        )
    if given.target_aggregation_function not in _AGGREGATIONS:
        refuse(
            "target_aggregation_function",
            given.target_aggregation_function,
            "sum, max, min or mean",
        )
    if given.target_aggregation_function and not given.freq:
        refuse("freq", given.freq, "needed with target_aggregation_function")
    if given.feature_lags not in (None, AUTO):
        refuse("feature_lags", given.feature_lags, "auto or None")


def _is_whole(value: Any, least: int, most: Optional[int] = None) -> bool:
    return (
        isinstance(value, int)
        and not isinstance(value, bool)
        and value >= least
        and (most is None or value <= most)
    )
