"""Searches for a model with FLAML: `python -m stepwell._automl`, as the script of an AutoML run.

It reads its settings from `STEPWELL_AUTOML` and its data from the run's named datasets or from
files beside it. Each model that FLAML tries becomes a child run with its score; the best one is
kept with its metrics. `--metrics FILE` and `--model FILE` are for steps.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import sys
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

SETTINGS_VARIABLE = "STEPWELL_AUTOML"
MODEL_PATH = "outputs/model.pkl"
LOG_FILE = "flaml.jsonl"
# With fewer rows v1 validates by many folds, with more by a part that is held out.
MANY_FOLDS_ROWS, FEW_FOLDS_ROWS = 1_000, 20_000
HELD_OUT = 0.1
# FLAML's own names of metrics. Those that are absent are computed by `_loss`.
METRICS = {"accuracy": "accuracy", "r2_score": "r2"}
TASKS = {"forecasting": "ts_forecast"}


def main(words: Sequence[str]) -> None:
    """Search, and keep what was found."""
    given = _arguments(words)
    settings = json.loads(os.environ[SETTINGS_VARIABLE])
    from azureml.core import Run

    run = Run.get_context()
    train, held_out = _frame(run, settings, "training_data"), None
    if _is_given(run, settings, "validation_data"):
        held_out = _frame(run, settings, "validation_data")
    searcher, how = _search(settings, train, held_out)
    if searcher.best_estimator is None:
        sys.exit("error: no model could be trained in the time there was; allow more of it")
    _forget_loss(searcher, settings["primary_metric"])
    model = _pipeline(searcher, settings)
    os.makedirs(os.path.dirname(MODEL_PATH), exist_ok=True)
    with open(MODEL_PATH, "wb") as file:
        pickle.dump(model, file)
    metrics = _metrics(settings, model, how) if how is not None else {}
    best = _record(run, settings, searcher, metrics)
    if given.model:
        _copy(MODEL_PATH, given.model)
    if given.metrics:
        found = {run.id: {name: [value] for name, value in best.items()}}
        os.makedirs(os.path.dirname(given.metrics) or ".", exist_ok=True)
        with open(given.metrics, "w") as written:
            json.dump(found, written)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stepwell._automl")
    parser.add_argument("--metrics")
    parser.add_argument("--model")
    return parser.parse_args(words)


def _copy(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    shutil.copyfile(source, target)


# The data.


def _is_given(run: Any, settings: Mapping[str, Any], name: str) -> bool:
    return name in settings["files"] or name in run.input_datasets


def _frame(run: Any, settings: Mapping[str, Any], name: str) -> Any:
    import pandas as pd

    file = settings["files"].get(name)
    if file is not None:
        is_table = file.endswith(".parquet")
        frame = pd.read_parquet(file) if is_table else pd.read_csv(file)
    else:
        data = run.input_datasets[name]
        frame = data.to_pandas_dataframe() if hasattr(data, "to_pandas_dataframe") else None
        if frame is None:
            frame = pd.read_csv(data)
    label = settings["label"]
    if label not in frame.columns:
        sys.exit(
            "error: the data has no column `{}`; it has {}".format(
                label, ", ".join(map(str, frame.columns))
            )
        )
    if settings["exclude_nan_labels"]:
        frame = frame[frame[label].notna()]
    dropped = [each for each in settings["drop_columns"] if each in frame.columns]
    return frame.drop(columns=dropped).reset_index(drop=True)


def _parts(settings: Mapping[str, Any], frame: Any) -> Tuple[Any, Any, Any]:
    """The features, the label, and the weights if there are."""
    out = [settings["label"]] + ([settings["weight"]] if settings["weight"] else [])
    weights = frame[settings["weight"]] if settings["weight"] else None
    return frame.drop(columns=out), frame[settings["label"]], weights


# The search.


def _search(settings: Mapping[str, Any], train: Any, held_out: Any) -> Tuple[Any, Any]:
    """The searcher after its search, and the rows that the best model was not trained on."""
    from flaml import AutoML

    keywords, held_out = _validation(settings, train, held_out)
    if held_out is not None and "X_val" not in keywords and settings["task"] != "forecasting":
        train, held_out = _split(settings, train, HELD_OUT if held_out is True else held_out)
        X_val, y_val, _ = _parts(settings, held_out)
        keywords.update(X_val=X_val, y_val=y_val)
    searcher = AutoML()
    searcher.fit(**_data_arguments(settings, train), **_fit_arguments(settings), **keywords)
    return searcher, held_out


def _validation(
    settings: Mapping[str, Any], train: Any, held_out: Any
) -> Tuple[Dict[str, Any], Any]:
    """How models are validated: by rows that were given, a part held out, or folds."""
    if settings["task"] == "forecasting":
        return {"period": settings["forecasting"]["horizon"], "eval_method": "holdout"}, None
    if held_out is not None:
        X, y, _ = _parts(settings, held_out)
        return {"X_val": X, "y_val": y}, held_out
    if settings["validation_size"]:
        return {}, settings["validation_size"]
    folds = settings["folds"]
    if folds is None and len(train) > FEW_FOLDS_ROWS:
        return {}, True
    if folds is None:
        folds = 10 if len(train) < MANY_FOLDS_ROWS else 3
    return {"eval_method": "cv", "n_splits": folds}, None


def _split(settings: Mapping[str, Any], frame: Any, share: float) -> Tuple[Any, Any]:
    from sklearn.model_selection import train_test_split

    labels = frame[settings["label"]]
    is_class = settings["task"] == "classification" and labels.value_counts().min() > 1
    train, held_out = train_test_split(
        frame, test_size=share, random_state=0, stratify=labels if is_class else None
    )
    return train, held_out


def _data_arguments(settings: Mapping[str, Any], train: Any) -> Dict[str, Any]:
    if settings["task"] == "forecasting":
        time = settings["forecasting"]["time_column"]
        # FLAML takes the first column for the times.
        ordered = [time] + [each for each in train.columns if each != time]
        return {"dataframe": train[ordered].sort_values(time), "label": settings["label"]}
    X, y, weights = _parts(settings, train)
    made = {"X_train": X, "y_train": y}
    return made if weights is None else {**made, "sample_weight": weights}


def _fit_arguments(settings: Mapping[str, Any]) -> Dict[str, Any]:
    arguments: Dict[str, Any] = {
        "task": TASKS.get(settings["task"], settings["task"]),
        "metric": METRICS.get(settings["primary_metric"])
        or _loss(settings["primary_metric"], settings["task"]),
        "time_budget": settings["seconds"],
        "max_iter": settings["iterations"],
        "early_stop": settings["early_stop"],
        "n_jobs": settings["cores"],
        "ensemble": settings["ensemble"] and settings["task"] != "forecasting",
        "log_file_name": LOG_FILE,
        "log_type": "all",
        "seed": 0,
        "verbose": 1,
    }
    if settings["trial_seconds"]:
        arguments["train_time_limit"] = settings["trial_seconds"]
    learners = settings["learners"]
    wanted = learners["allowed"] or _learners(settings["task"])
    arguments["estimator_list"] = [each for each in wanted if each not in learners["blocked"]]
    if settings["task"] == "forecasting":
        arguments["metric"] = "rmse"
        if settings["forecasting"]["series"]:
            arguments["group_ids"] = settings["forecasting"]["series"]
            arguments["task"] = "ts_forecast_panel"
    return arguments


def _learners(task: str) -> List[str]:
    if task == "forecasting":
        return ["lgbm", "rf", "extra_tree"]
    trees = ["lgbm", "xgboost", "xgb_limitdepth", "rf", "extra_tree", "histgb"]
    return trees + (["lrl1"] if task == "classification" else ["enet"])


def _loss(metric: str, task: str) -> Any:
    """A loss for FLAML: the negative of the metric, or the metric where less is better."""

    def loss(
        X_val: Any,
        y_val: Any,
        estimator: Any,
        labels: Any,
        X_train: Any,
        y_train: Any,
        weight_val: Any = None,
        weight_train: Any = None,
        *rest: Any,
    ) -> Tuple[float, Dict[str, float]]:
        predicted = estimator.predict(X_val)
        chances = None
        if task == "classification":
            import numpy as np

            chances = estimator.predict_proba(X_val)
            # FLAML names the labels only where it cuts folds.
            labels = np.unique(y_train) if labels is None else labels
        value = measured(task, y_val, predicted, chances, labels)[metric]
        return (value if metric.startswith("normalized_") else -value), {metric: value}

    return loss


# What is kept.


def _forget_loss(searcher: Any, metric: str) -> None:
    """Put the metric's name where FLAML keeps the function, which cannot be pickled."""
    for holder in (vars(searcher), vars(searcher._state), searcher._settings):
        for name, value in list(holder.items()):
            if callable(value) and getattr(value, "__qualname__", "").startswith(_loss.__name__):
                holder[name] = metric


def _pipeline(searcher: Any, settings: Mapping[str, Any]) -> Any:
    """The model on raw rows: FLAML's preparation and the estimator in one object."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if settings["task"] == "forecasting":
        return searcher
    return Pipeline(
        [("datatransformer", FunctionTransformer()), (str(searcher.best_estimator), searcher)]
    )


def _metrics(settings: Mapping[str, Any], model: Any, held_out: Any) -> Dict[str, float]:
    """The metrics of the best model on rows that it was not trained on."""
    X, y, _ = _parts(settings, held_out)
    task = settings["task"]
    chances = model.predict_proba(X) if task == "classification" else None
    labels = list(model.classes_) if task == "classification" else None
    return measured(task, y, model.predict(X), chances, labels)


def measured(
    task: str, y: Any, predicted: Any, chances: Any, labels: Optional[Sequence[Any]]
) -> Dict[str, float]:
    """The metrics by which v1 compares models, and their kin."""
    if task == "classification":
        return _classified(y, predicted, chances, list(labels if labels is not None else []))
    return _regressed(y, predicted)


def _classified(y: Any, predicted: Any, chances: Any, labels: List[Any]) -> Dict[str, float]:
    import numpy as np
    from sklearn import metrics

    recall = metrics.recall_score(y, predicted, average="macro", zero_division=0)
    guessed = 1 / max(len(labels), 2)
    one_hot = np.array([[value == label for label in labels] for value in y])
    present = [index for index in range(len(labels)) if 0 < one_hot[:, index].sum() < len(y)]
    weights = [one_hot[:, index].sum() for index in present]

    def weighted(score: Any) -> float:
        values = [score(one_hot[:, index], chances[:, index]) for index in present]
        return float(np.average(values, weights=weights)) if present else float("nan")

    found = {
        "accuracy": metrics.accuracy_score(y, predicted),
        "balanced_accuracy": recall,
        "norm_macro_recall": (recall - guessed) / (1 - guessed),
        "recall_score_macro": recall,
        "matthews_correlation": metrics.matthews_corrcoef(y, predicted),
        "log_loss": metrics.log_loss(y, chances, labels=labels),
        "AUC_weighted": weighted(metrics.roc_auc_score),
        "average_precision_score_weighted": weighted(metrics.average_precision_score),
    }
    for average in ("macro", "micro", "weighted"):
        found["f1_score_" + average] = metrics.f1_score(
            y, predicted, average=average, zero_division=0
        )
        found["precision_score_" + average] = metrics.precision_score(
            y, predicted, average=average, zero_division=0
        )
    found["recall_score_weighted"] = metrics.recall_score(
        y, predicted, average="weighted", zero_division=0
    )
    return {name: float(value) for name, value in found.items()}


def _regressed(y: Any, predicted: Any) -> Dict[str, float]:
    import numpy as np
    from sklearn import metrics

    y, predicted = np.asarray(y, dtype=float), np.asarray(predicted, dtype=float)
    span = float(y.max() - y.min()) or 1.0
    rmse = float(np.sqrt(metrics.mean_squared_error(y, predicted)))
    mae = metrics.mean_absolute_error(y, predicted)
    ranks = [np.argsort(np.argsort(values)) for values in (y, predicted)]
    spearman = float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if len(y) > 1 else float("nan")
    found = {
        "r2_score": metrics.r2_score(y, predicted),
        "root_mean_squared_error": rmse,
        "mean_absolute_error": mae,
        "median_absolute_error": metrics.median_absolute_error(y, predicted),
        "explained_variance": metrics.explained_variance_score(y, predicted),
        "normalized_root_mean_squared_error": rmse / span,
        "normalized_mean_absolute_error": mae / span,
        "spearman_correlation": 0.0 if np.isnan(spearman) else spearman,
    }
    return {name: float(value) for name, value in found.items()}


def _record(
    run: Any, settings: Mapping[str, Any], searcher: Any, metrics: Mapping[str, float]
) -> Dict[str, float]:
    """Make a child of each model that was tried; returns the metrics of the best."""
    metric = settings["primary_metric"]
    tried = _tried(settings)
    is_less = metric.startswith("normalized_")
    choose = min if is_less else max
    best = choose(tried, key=lambda each: each["score"]) if tried else None
    found = {metric: best["score"] if best else float("nan"), **metrics}
    for number, each in enumerate(tried):
        child = run.child_run(name=f"{run.display_name}_{number}")
        child.add_properties(
            {
                "runTemplate": "automl_child",
                "iteration": str(number),
                "score": repr(each["score"]),
                "run_algorithm": each["learner"],
                "run_preprocessor": "",
                "primary_metric": metric,
                "goal": "{}_{}".format(metric, "min" if is_less else "max"),
                "model_name": "AutoML{}{}".format(run.id.replace("-", "")[:9], number),
                **({"model_output_path": MODEL_PATH} if each is best else {}),
            }
        )
        child.set_tags({"hyperparameters": json.dumps(each["config"])})
        if each is best:
            for name, value in found.items():
                child.log(name, value)
            child.upload_file(MODEL_PATH, MODEL_PATH)
            run.set_tags({"automl_best_child_run_id": child.id})
        else:
            child.log(metric, each["score"])
        child.complete()
    for name, value in found.items():
        run.log(name, value)
    run.set_tags({"automl_dependencies": json.dumps(_versions())})
    print(
        f"{len(tried)} models were tried; the best is {searcher.best_estimator}: {metric} "
        f"{found[metric]}"
    )
    return found


def _tried(settings: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """The models in the order in which they were tried, of FLAML's log."""
    metric = settings["primary_metric"]
    found: List[Dict[str, Any]] = []
    with open(LOG_FILE) as file:
        for line in file:
            each = json.loads(line)
            if "validation_loss" not in each:
                continue
            loss = float(each["validation_loss"])
            if metric in ("accuracy", "r2_score"):
                score = 1 - loss
            else:
                score = loss if metric.startswith("normalized_") else -loss
            config = each.get("config") or {}
            found.append({"learner": each["learner"], "score": score, "config": config})
    return found


def _versions() -> Dict[str, str]:
    from importlib import import_module

    modules = {
        "flaml": "flaml",
        "lightgbm": "lightgbm",
        "scikit-learn": "sklearn",
        "pandas": "pandas",
    }
    return {name: import_module(module).__version__ for name, module in modules.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
