"""`ModelProxy`: the model of a child, asked on this machine."""

from __future__ import annotations

from typing import Any

from azureml._not_yet import not_yet


class ModelProxy(object):
    """The model of a child of an AutoML run; here it is asked in the program's own process."""

    def __init__(self, child_run: Any, compute_target: Any = None) -> None:
        """The model of `child_run`; a compute target has no effect."""
        self._run = child_run
        self._model: Any = None

    def _loaded(self) -> Any:
        from azureml.train.automl.run import load_model

        if self._model is None:
            self._model = load_model(self._run)
        if self._model is None:
            not_yet("the model needs packages that are not installed here; install flaml")
        return self._model

    def predict(self, values: Any) -> Any:
        """The predictions for rows."""
        return self._loaded().predict(_frame(values))

    def predict_proba(self, values: Any) -> Any:
        """The probabilities of the classes for rows."""
        return self._loaded().predict_proba(_frame(values))

    def forecast(self, X_values: Any, y_values: Any = None) -> Any:
        """The forecast for rows: an array and a frame."""
        frame = _frame(X_values)
        made = self._loaded().predict(frame)
        return made, frame

    def forecast_quantiles(
        self,
        X_values: Any,
        y_values: Any = None,
        forecast_destination: Any = None,
        ignore_data_errors: bool = False,
    ) -> None:
        """Not there."""
        not_yet("quantiles of forecasts are not there; use forecast")

    def test(self, test_data: Any, include_predictions_only: bool = False) -> None:
        """Not there."""
        not_yet("ModelProxy.test is not there; use predict and compute the metrics")


def _frame(values: Any) -> Any:
    return values.to_pandas_dataframe() if hasattr(values, "to_pandas_dataframe") else values
