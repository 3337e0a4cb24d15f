"""Searches of hyperparameters: what they are made of, and what the server is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from azureml.core import ScriptRunConfig
from azureml.pipeline.core import PipelineData, TrainingOutput
from azureml.pipeline.steps import HyperDriveStep, HyperDriveStepRun
from azureml.train.estimator import Estimator
from azureml.train.hyperdrive import (
    BanditPolicy,
    BayesianParameterSampling,
    GridParameterSampling,
    HyperDriveConfig,
    HyperDriveRunConfig,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    PrimaryMetricGoal,
    RandomParameterSampling,
    TruncationSelectionPolicy,
    choice,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    randint,
    uniform,
)
from azureml.train.hyperdrive._search import search, task, trial, without_searched
from azureml.train.hyperdrive.exceptions import HyperDriveConfigException


def config(**keywords: Any) -> HyperDriveConfig:
    given: Dict[str, Any] = {
        "run_config": ScriptRunConfig("src", "train.py"),
        "hyperparameter_sampling": GridParameterSampling({"C": choice(0.1, 1), "k": choice("a")}),
        "primary_metric_name": "accuracy",
        "primary_metric_goal": PrimaryMetricGoal.MAXIMIZE,
        "max_total_runs": 4,
        **keywords,
    }
    return HyperDriveConfig(**given)


def test_expressions_are_the_lists_of_v1() -> None:
    assert choice(range(3)) == ["choice", [[0, 1, 2]]]
    assert choice((1, 2)) == ["choice", [[(1, 2)]]]
    assert choice(None, True) == ["choice", [[None, True]]]
    assert quniform(1, 10, 0) == ["quniform", [1, 10, 0]]
    assert loguniform(1, 1) == ["loguniform", [1, 1]]
    assert qnormal(0, 1, 2.0) == ["qnormal", [0, 1, 2.0]]


WRONG: List[Callable[[], Any]] = [
    lambda: choice(),
    lambda: choice([]),
    lambda: choice([1], 2),
    lambda: randint(0),
    lambda: randint(True),
    lambda: uniform(1, 1),
    lambda: uniform("a", 1),
    lambda: quniform(0, 1, 0.5),
    lambda: loguniform(2, 1),
    lambda: qloguniform(0, 1, 0.1),
    lambda: normal(0, -1),
    lambda: lognormal("a", 1),
    lambda: qlognormal(0, 1, 0.5),
    lambda: GridParameterSampling({"a": uniform(0, 1)}),
    lambda: BayesianParameterSampling(None),  # type: ignore[arg-type]
    lambda: BayesianParameterSampling({"a": normal(0, 1)}),
    lambda: BayesianParameterSampling({"a": choice(True, False)}),
    lambda: BayesianParameterSampling({"a": choice("x", 1)}),
    lambda: BayesianParameterSampling({"a": quniform(0.5, 1, 1)}),
    lambda: BayesianParameterSampling({"a": quniform(0, 1000000, 1)}),
    lambda: BanditPolicy(),
    lambda: BanditPolicy(slack_factor=0.1, evaluation_interval=1.5),  # type: ignore[arg-type]
    lambda: TruncationSelectionPolicy(0),
    lambda: TruncationSelectionPolicy(20.5),  # type: ignore[arg-type]
    lambda: MedianStoppingPolicy(delay_evaluation="a"),  # type: ignore[arg-type]
    lambda: config(run_config=None),
    lambda: config(estimator=Estimator("src", compute_target="local")),
    lambda: config(run_config="train.py"),
    lambda: config(hyperparameter_sampling=None),
]


@pytest.mark.parametrize("make", WRONG)
def test_what_cannot_be_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(HyperDriveConfigException):
        make()


def test_a_random_space_is_not_looked_at() -> None:
    assert RandomParameterSampling({"a": 1}).to_json()["parameter_space"] == {"a": 1}


def test_samplings_are_equal_by_what_they_say() -> None:
    one, other = (RandomParameterSampling({"a": uniform(0, 1)}) for _ in range(2))
    assert one == other
    with pytest.raises(AttributeError):
        _ = one == "RANDOM"


def test_a_factor_of_nothing_is_an_amount_of_nothing() -> None:
    assert BanditPolicy(slack_factor=0).to_json()["properties"]["slack_amount"] is None
    assert NoTerminationPolicy().to_json() == {"name": "Default"}


def test_the_goal_is_read_whatever_its_case() -> None:
    assert PrimaryMetricGoal.from_str("Maximize") is PrimaryMetricGoal.MAXIMIZE
    with pytest.raises(ValueError):
        PrimaryMetricGoal.from_str("best")


def test_what_the_server_is_sent_keeps_the_order_of_the_space() -> None:
    made = search(config(policy=BanditPolicy(slack_factor=0.2), max_concurrent_runs=2))
    assert made == {
        "sampling": "grid",
        "space": [["C", ["choice", [[0.1, 1]]]], ["k", ["choice", [["a"]]]]],
        "primary_metric": {"name": "accuracy", "goal": "maximize"},
        "policy": {
            "name": "Bandit",
            "properties": {
                "evaluation_interval": 1,
                "delay_evaluation": 0,
                "slack_factor": 0.2,
            },
        },
        "max_total_runs": 4,
        "max_concurrent_runs": 2,
        "max_duration_minutes": 10080,
        "resume_from": [],
        "resume_child_runs": [],
    }


def test_a_seed_is_sent_and_a_model_only_where_one_is_asked() -> None:
    sampling = RandomParameterSampling({"a": uniform(0, 1)}, properties={"seed": 7})
    assert search(config(hyperparameter_sampling=sampling))["seed"] == 7
    assert task(config(), {"type": "process"}, "local", {})["suggestions"] is None
    with pytest.warns(UserWarning, match="20 trials"):
        bayesian = config(hyperparameter_sampling=BayesianParameterSampling({"a": uniform(0, 1)}))
    assert task(bayesian, {}, "local", {})["suggestions"]["kind"] in ("python", "interpreter")


def test_arguments_of_an_estimator_give_way_to_the_search() -> None:
    with pytest.warns(UserWarning, match="--C"):
        kept = without_searched(["--C", 1, "--data", "d", "--k"], config())
    assert kept == ["--data", "d"]


def test_an_estimator_all_of_whose_arguments_are_searched_gives_its_trials_none() -> None:
    params = {"--C": 1, "--k": "b"}
    estimator = Estimator("src", entry_script="t.py", compute_target="local", script_params=params)
    made = config(run_config=None, estimator=estimator)
    with pytest.warns(UserWarning, match="--C"):
        script = trial(made)
    assert (script.arguments, script.run_config.arguments) == ([], [])
    assert estimator.run_config.arguments == ["--C", 1, "--k", "b"], "it can be submitted itself"


def test_the_older_name_takes_the_estimator_first() -> None:
    estimator = Estimator("src", entry_script="t.py", compute_target="local")
    sampling = RandomParameterSampling({"a": uniform(0, 1)})
    made = HyperDriveRunConfig(estimator, sampling, "a", PrimaryMetricGoal.MINIMIZE, 3)
    assert type(made) is HyperDriveConfig and made.estimator is estimator
    assert made.source_directory == "src"


class Earlier:
    """As much of an earlier run as is asked for."""

    def __init__(self, name: str, status: str = "Completed", **tags: Any) -> None:
        self.id, self._status = name, status
        known = {"primary_metric_config": {"name": "accuracy", "goal": "maximize"}, **tags}
        self.tags = {key: json.dumps(value) for key, value in known.items()}
        self.parent: Any = None

    def get_status(self) -> str:
        return self._status


def test_a_search_goes_on_from_what_fits() -> None:
    made = config(resume_from=[Earlier("a"), Earlier("b", "Canceled")])
    assert search(made)["resume_from"] == ["a", "b"]
    child = Earlier("c")
    child.parent = Earlier("a")
    assert search(config(resume_child_runs=child))["resume_child_runs"] == ["c"]


@pytest.mark.parametrize(
    "keywords",
    [
        {"resume_from": [Earlier(str(number)) for number in range(6)]},
        {"resume_from": [Earlier("a"), Earlier("a")]},
        {"resume_from": Earlier("a", "Running")},
        {"resume_from": Earlier("a", primary_metric_config={"name": "loss", "goal": "minimize"})},
        {"resume_from": Earlier("a", max_total_jobs=999)},
        {"resume_child_runs": [Earlier(str(number)) for number in range(5)]},
        {"resume_child_runs": [Earlier("a"), Earlier("a")]},
        {"resume_child_runs": Earlier("a", "Running")},
        {"resume_child_runs": Earlier("a")},
    ],
)
def test_a_search_does_not_go_on_from_what_does_not_fit(keywords: Dict[str, Any]) -> None:
    with pytest.raises(HyperDriveConfigException):
        config(**keywords)


def step(made: HyperDriveConfig, **keywords: Any) -> HyperDriveStep:
    return HyperDriveStep("search", made, **keywords)


def test_a_step_takes_its_arguments_from_one_place() -> None:
    with_arguments = config(run_config=ScriptRunConfig("src", "train.py", ["--a", 1]))
    assert [str(each) for each in step(with_arguments)._arguments] == ["--a", "1"]
    with pytest.raises(ValueError):
        step(with_arguments, estimator_entry_script_arguments=[])
    of_estimator = config(run_config=None, estimator=Estimator("src", compute_target="local"))
    with pytest.raises(ValueError):
        step(of_estimator)
    with pytest.raises(ValueError):
        step(of_estimator, estimator_entry_script_arguments="--a")
    assert step(of_estimator, estimator_entry_script_arguments=[])._arguments == []


def test_the_metrics_output_is_marked_as_one() -> None:
    made = step(
        config(),
        metrics_output=PipelineData("metrics"),
        outputs=[
            PipelineData("model", training_output=TrainingOutput("Model", model_file="outputs/m"))
        ],
    )
    kinds = [each.training_output.type for each in made._outputs]
    assert kinds == ["Model", "Metrics"]


def test_a_step_of_another_kind_is_no_search(tmp_path: Path) -> None:
    class Other:
        id = "1"
        properties = {"StepType": "PythonScriptStep"}

    with pytest.raises(ValueError, match="PythonScriptStep"):
        HyperDriveStepRun(Other())
