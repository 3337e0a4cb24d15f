"""`AutoMLRun`: a search for a model; its children are the models that were tried."""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from azureml._not_yet import not_yet
from azureml.automl.core.shared.exceptions import (
    ConfigException,
    NotFoundException,
    UserException,
)
from azureml.core.run import Run

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.core.model import Model

BEST_TAG = "automl_best_child_run_id"
LESS_IS_BETTER = (
    "normalized_root_mean_squared_error",
    "normalized_mean_absolute_error",
    "root_mean_squared_error",
    "mean_absolute_error",
    "log_loss",
)


class AutoMLRun(Run):
    """A search for a model; its children are the models that were tried.

    Example:
        >>> search = AutoMLRun(experiment, search_id)
        >>> best, model = search.get_output()
        >>> best.get_metrics()
        {'accuracy': 0.9}
        >>> search.register_model("churn-automl").id
        Registering model churn-automl
        'churn-automl:1'
    """

    RUN_TYPE = "automl"

    def __init__(self, experiment: Experiment, run_id: str, **kwargs: Any) -> None:
        """The search `run_id`; the server is not asked whether it exists.

        Args:
            experiment: The experiment it belongs to.
            run_id: Its id.
        """
        super().__init__(experiment, run_id, **kwargs)
        self.model_id: Optional[str] = None

    @property
    def run_id(self) -> str:
        """Its id."""
        return self.id

    def get_best_child(
        self, metric: Optional[str] = None, onnx_compatible: bool = False, **kwargs: Any
    ) -> Run:
        """The model that is best by the primary metric, or by another one.

        Args:
            metric: The metric; the primary one when `None`.
            onnx_compatible: Without effect.

        Returns:
            The run of that model.

        Raises:
            UserException: There is none.
        """
        best = self.get_tags().get(BEST_TAG)
        if metric is None and best:
            return Run.get(self.experiment.workspace, best)
        name = metric or self.properties["primary_metric"]
        found: List[Tuple[float, Run]] = []
        for child in self.get_children(status="Completed"):
            value = child.get_metrics().get(name)
            if isinstance(value, (int, float)):
                found.append((float(value), child))
        if not found:
            raise UserException(f"no model of run {self.id} logged {name}")
        choose = min if name in LESS_IS_BETTER else max
        return choose(found, key=lambda pair: pair[0])[1]

    def get_output(
        self,
        iteration: Optional[int] = None,
        metric: Optional[str] = None,
        return_onnx_model: bool = False,
        return_split_onnx_model: Any = None,
        **kwargs: Any,
    ) -> Tuple[Run, Any]:
        """The best run and its model, unpickled; `None` for a model that cannot be.

        Args:
            iteration: The number of an iteration whose model is wanted instead of the best.
            metric: The metric by which it is the best; the primary one when `None`.
            return_onnx_model, return_split_onnx_model: Refused: models are not kept as ONNX.

        Returns:
            The run and the model.

        Raises:
            ConfigException: An iteration and a metric are both given.
            NotFoundException: There is no such iteration.
            UserException: The model of that iteration was not kept.
        """
        if iteration is not None and metric is not None:
            raise ConfigException("get_output takes an iteration or a metric, not both")
        if return_onnx_model or return_split_onnx_model:
            not_yet("models are not kept as ONNX; convert the fitted model with skl2onnx")
        child = self._child(iteration) if iteration is not None else self.get_best_child(metric)
        return child, load_model(child)

    def _child(self, iteration: int) -> Run:
        for child in self.get_children():
            if child.properties.get("iteration") == str(iteration):
                return child
        raise NotFoundException(f"run {self.id} has no iteration {iteration}")

    def summary(self) -> List[List[Any]]:
        """For each algorithm: its name, how many models were tried, and the best score.

        Returns:
            Such a triple for each algorithm.
        """
        is_less = self.properties["primary_metric"] in LESS_IS_BETTER
        found: Dict[str, List[float]] = {}
        for child in self.get_children():
            name = child.properties.get("run_algorithm", "")
            found.setdefault(name, []).append(float(child.properties.get("score", "nan")))
        choose = min if is_less else max
        return [[name, len(scores), choose(scores)] for name, scores in found.items()]

    def register_model(  # type: ignore[override]
        self,
        model_name: Optional[str] = None,
        description: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        iteration: Optional[int] = None,
        metric: Optional[str] = None,
    ) -> Model:
        """Register the best model, or that of an iteration.

        Args:
            model_name: The model's name; made up when `None`.
            description: A description for people.
            tags: Tags of the version.
            iteration: The number of an iteration.
            metric: The metric by which it is the best; the primary one when `None`.

        Returns:
            The version.
        """
        child = self._child(iteration) if iteration is not None else self.get_best_child(metric)
        path = child.properties.get("model_output_path", "outputs/model.pkl")
        name = model_name or child.properties.get("model_name") or "AutoML" + self.id[:9]
        model = child.register_model(name, path, tags=tags, description=description)
        self.model_id = model.name
        return model

    def wait_for_completion(  # type: ignore[override]
        self, show_output: bool = False, wait_post_processing: bool = False
    ) -> Dict[str, Any]:
        """Wait until it is over.

        Args:
            show_output: Print what the search prints.
            wait_post_processing: Accepted; a run that is over needs nothing more.

        Returns:
            The details, as of `get_details`.
        """
        return super().wait_for_completion(show_output, wait_post_processing)

    def cancel(self) -> Any:
        """Stop the search.

        Returns:
            The server's answer.
        """
        return self._client.post(self._path + "/cancel", repeatable=True)

    def cancel_iteration(self, iteration: int) -> None:
        """Not there: models are tried one after the other in one process."""
        not_yet("a single iteration cannot be stopped; stop the search with cancel()")

    def continue_experiment(
        self,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        X_valid: Any = None,
        y_valid: Any = None,
        sample_weight_valid: Any = None,
        data: Any = None,
        label: Any = None,
        columns: Any = None,
        cv_splits_indices: Any = None,
        spark_context: Any = None,
        experiment_timeout_hours: Optional[float] = None,
        experiment_exit_score: Optional[float] = None,
        iterations: Optional[int] = None,
        show_output: bool = False,
        training_data: Any = None,
        validation_data: Any = None,
        **kwargs: Any,
    ) -> None:
        """Not there."""
        not_yet("a search is not continued; submit it again with a longer timeout")

    def get_guardrails(self, to_console: bool = True) -> Dict[str, Any]:
        """The checks of the data: none are made here.

        Args:
            to_console: Without effect.

        Returns:
            An empty dictionary.
        """
        return {}

    def get_run_sdk_dependencies(
        self, iteration: Optional[int] = None, check_versions: bool = True, **kwargs: Any
    ) -> Dict[str, str]:
        """The packages that the search ran with, by name.

        Args:
            iteration, check_versions: Without effect; all models are tried with the same packages.

        Returns:
            The versions by name.
        """
        text = self.get_tags().get("automl_dependencies") or "{}"
        made: Dict[str, str] = json.loads(text)
        return made

    def complete(self, **kwargs: Any) -> None:  # type: ignore[override]
        """Not possible: a search ends by itself."""
        raise NotImplementedError("a search ends by itself; stop it with cancel()")

    def fail(  # type: ignore[override]
        self, error_details: Any = None, error_code: Any = None, **kwargs: Any
    ) -> None:
        """Not possible: a search ends by itself."""
        raise NotImplementedError("a search ends by itself; stop it with cancel()")

    def pause(self) -> None:
        """Not possible, as in v1."""
        raise NotImplementedError("a search cannot be paused")

    def resume(self) -> None:
        """Not possible, as in v1."""
        raise NotImplementedError("a search cannot be resumed")

    def retry(self) -> None:
        """Not possible, as in v1."""
        raise NotImplementedError("a search cannot be retried; submit it again")


def load_model(child: Run) -> Any:
    """The model of a child, unpickled; `None` where its packages are missing.

    Raises:
        UserException: The model was not kept.
    """
    path = child.properties.get("model_output_path", "outputs/model.pkl")
    if path not in child.get_file_names():
        raise UserException(
            f"the model of run {child.id} was not kept; that of the best one is: "
            "get_output() without an iteration"
        )
    import pickle

    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "model.pkl")
        child.download_file(path, target)
        with open(target, "rb") as file:
            try:
                return pickle.load(file)
            except ImportError as error:
                print(f"The model needs a package that is not installed here: {error}")
                return None
