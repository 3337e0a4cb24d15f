"""Searches of hyperparameters on the real server: trials train, stop early, crash and go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import programs
import pytest

from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from azureml.exceptions import ActivityFailedException
from azureml.pipeline.core import Pipeline, PipelineData, TrainingOutput
from azureml.pipeline.steps import HyperDriveStep, HyperDriveStepRun
from azureml.train.hyperdrive import (
    BanditPolicy,
    BayesianParameterSampling,
    GridParameterSampling,
    HyperDriveConfig,
    HyperDriveRun,
    PrimaryMetricGoal,
    RandomParameterSampling,
    choice,
    quniform,
    uniform,
)

DATA = Path(__file__).resolve().parents[3] / "examples" / "diabetes" / "data" / "diabetes.csv"
TRAIN = """
import argparse, os, pickle
import pandas as pd
from azureml.core import Run
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--data")
parser.add_argument("--C", type=float)
parser.add_argument("--solver")
given = parser.parse_args()
run = Run.get_context()
table = pd.read_csv(given.data).head(1500)
X, y = table.drop(columns=["PatientID", "Diabetic"]), table["Diabetic"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
model = LogisticRegression(C=given.C, solver=given.solver, max_iter=200).fit(X_train, y_train)
run.log("AUC", roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]))
os.makedirs("outputs", exist_ok=True)
with open("outputs/model.pkl", "wb") as file:
    pickle.dump(model, file)
"""


def config(project: Path, text: str, sampling: Any, **keywords: Any) -> HyperDriveConfig:
    programs.write(project, "train.py", text)
    arguments = keywords.pop("arguments", [])
    given: Dict[str, Any] = {
        "run_config": ScriptRunConfig(str(project / "src"), "train.py", arguments),
        "hyperparameter_sampling": sampling,
        "primary_metric_name": "AUC",
        "primary_metric_goal": PrimaryMetricGoal.MAXIMIZE,
        "max_total_runs": 6,
        "max_concurrent_runs": 2,
        **keywords,
    }
    return HyperDriveConfig(**given)


def submit(project: Path, made: HyperDriveConfig) -> HyperDriveRun:
    run = Experiment(Workspace.from_config(), project.name).submit(made)
    assert isinstance(run, HyperDriveRun)
    return run


def test_a_grid_of_six_models_is_searched_and_the_best_registered(project: Path) -> None:
    grid = GridParameterSampling(
        {"C": choice(0.001, 0.1, 10.0), "--solver": choice("lbfgs", "liblinear")}
    )
    run = submit(project, config(project, TRAIN, grid, arguments=["--data", str(DATA)]))
    details = run.wait_for_completion(show_output=False)
    assert details["status"] == "Completed"
    assert (run.type, run.properties["runTemplate"]) == ("hyperdrive", "HyperDrive")
    assert run.properties["space_size"] == "6"
    trials = run.get_children_sorted_by_primary_metric()
    assert len(trials) == 6
    scores = [each["best_primary_metric"] for each in trials]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.7
    values = {json.dumps(json.loads(each["hyperparameters"]), sort_keys=True) for each in trials}
    assert len(values) == 6 and '{"--solver": "lbfgs", "C": 10.0}' in values
    best = run.get_best_run_by_primary_metric()
    assert best is not None and best.id == trials[0]["run_id"]
    assert run.get_properties()["best_child_run_id"] == best.id
    assert (
        set(run.get_hyperparameters())
        == set(run.get_metrics())
        == {each["run_id"] for each in trials}
    )
    arguments = best.parent.get_tags()["_aml_system_" + best.id]
    assert json.loads(arguments) == json.loads(trials[0]["hyperparameters"])
    model = best.register_model(project.name, "outputs/model.pkl")
    assert (model.version, model.run_id) == (1, best.id)
    table = Run.get_metrics(run)["best_child_by_primary_metric"]
    assert table["run_id"][-1] == best.id and table["final"][-1] is True
    # Trials are found by what they logged, as any other run.
    client, query = run.experiment.workspace._client, f"metrics.AUC >= {scores[1]}"
    listed = client.get("/runs", parent=run.id, filter=query)["runs"]
    assert {each["id"] for each in listed} == {
        each["run_id"] for each in trials if each["best_primary_metric"] >= scores[1]
    }
    # Another program finds the search as what it is.
    again = Run.get(Workspace.from_config(), run.id)
    assert isinstance(again, HyperDriveRun)
    found = again.get_best_run_by_primary_metric()
    assert found is not None and found.id == best.id


def test_a_step_hands_on_the_metrics_and_the_best_model(project: Path) -> None:
    grid = GridParameterSampling({"C": choice(1, 2, 3)})
    made = config(
        project,
        """
        import argparse, os
        from azureml.core import Run
        parser = argparse.ArgumentParser()
        parser.add_argument("--C", type=int)
        parser.add_argument("--data")
        given = parser.parse_args()
        Run.get_context().log("AUC", given.C / 10 + len(open(given.data).read()))
        os.makedirs("outputs", exist_ok=True)
        open("outputs/model.txt", "w").write("model " + str(given.C))
        """,
        grid,
        arguments=None,
    )
    workspace = Workspace.from_config()
    data = PipelineData("data")
    metrics = PipelineData("metrics", pipeline_output_name="metrics")
    model = PipelineData(
        "model", training_output=TrainingOutput("Model", model_file="outputs/model.txt")
    )
    first = programs.step(
        project,
        "make",
        "import sys; open(sys.argv[1], 'w').write('ab')",
        arguments=[data],
        outputs=[data],
    )
    search = HyperDriveStep(
        "search",
        made,
        estimator_entry_script_arguments=["--data", data],
        inputs=[data],
        metrics_output=metrics,
        outputs=[model],
    )
    read = programs.step(
        project,
        "read",
        """
        import json, sys
        found = json.load(open(sys.argv[1]))
        assert sorted(each["AUC"] for each in found.values()) == [[2.1], [2.2], [2.3]], found
        assert open(sys.argv[2]).read() == "model 3"
        """,
        arguments=[metrics, model],
        inputs=[metrics, model],
    )
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [first, search, read]))
    assert run.wait_for_completion() == "Finished"
    (step,) = run.find_step_run("search")
    (searched,) = step.get_children()
    assert isinstance(searched, HyperDriveRun)
    assert len(list(searched.get_children())) == 3 == len(list(step.get_children(recursive=True)))
    definition = run.find_step_run("make")[0].get_details()["runDefinition"]
    options = definition["outputData"]["data"]["additionalOptions"]["registrationOptions"]
    assert options["properties"]["azureml.pipelineRunId"] == run.id
    found = HyperDriveStepRun(step_run=step)
    best = found.get_best_run_by_primary_metric()
    assert best is not None and best.get_metrics() == {"AUC": 2.3}
    again = Experiment(workspace, project.name).submit(Pipeline(workspace, [first, search, read]))
    again.wait_for_completion()
    assert again.find_step_run("search")[0]._record["reused_from"] == found.id


@pytest.mark.parametrize("as_step", [False, True])
def test_the_trials_of_a_command_run_it_in_a_shell_with_their_values(
    project: Path, as_step: bool
) -> None:
    programs.write(
        project,
        "train.py",
        """
        import os, sys
        from azureml.core import Run
        given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
        assert given["--kind"] == "a b$HOME" and os.environ["MODE"] == "full", given
        Run.get_context().log("AUC", float(given["--C"]))
        """,
    )
    command = ["export MODE=full", "&&", "python train.py"]
    made = HyperDriveConfig(
        run_config=ScriptRunConfig(str(project / "src"), command=command),
        hyperparameter_sampling=GridParameterSampling(
            {"C": choice(1, 2), "kind": choice("a b$HOME")}
        ),
        primary_metric_name="AUC",
        primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        max_total_runs=2,
    )
    experiment = Experiment(Workspace.from_config(), project.name)
    if as_step:
        step = HyperDriveStep("search", made)
        run = experiment.submit(Pipeline(Workspace.from_config(), [step]))
        assert run.wait_for_completion(show_output=False) == "Finished"
        found: HyperDriveRun = HyperDriveStepRun(run.find_step_run("search")[0])
    else:
        found = submit(project, made)
        found.wait_for_completion(show_output=False)
    best = found.get_best_run_by_primary_metric()
    assert best is not None and best.get_metrics() == {"AUC": 2.0}


def test_a_policy_stops_bad_trials_early(project: Path) -> None:
    grid = GridParameterSampling({"level": choice(0.9, 0.1)})
    made = config(
        project,
        """
        import sys, time
        from azureml.core import Run
        run = Run.get_context()
        level = float(sys.argv[sys.argv.index("--level") + 1])
        # The good one logs at once; the bad one is stopped before its hundredth epoch.
        for epoch in range(10 if level > 0.5 else 6000):
            run.log("AUC", level)
            run.flush()
            time.sleep(0.05)
        """,
        grid,
        policy=BanditPolicy(slack_factor=0.2, evaluation_interval=2, delay_evaluation=4),
    )
    run = submit(project, made)
    run.wait_for_completion()
    statuses = [each["status"] for each in run.get_children_sorted_by_primary_metric()]
    assert statuses == ["Completed", "Canceled"]
    best = run.get_best_run_by_primary_metric(include_canceled=False)
    assert best is not None and best.get_status() == "Completed"


def test_a_seed_draws_the_same_values_again(project: Path) -> None:
    text = "from azureml.core import Run; Run.get_context().log('AUC', 1)"

    def drawn(seed: int) -> List[str]:
        sampling = RandomParameterSampling(
            {"C": uniform(0, 1), "k": choice("a", "b")}, properties={"seed": seed}
        )
        run = submit(project, config(project, text, sampling, max_total_runs=3))
        run.wait_for_completion()
        return sorted(run.get_hyperparameters().values())

    assert drawn(1) == drawn(1) != drawn(2)


def test_a_model_suggests_values_by_what_came_before(project: Path) -> None:
    text = """
    import sys
    from azureml.core import Run
    given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    Run.get_context().log("AUC", -abs(float(given["--x"]) - 2) - abs(int(given["--n"]) - 30))
    """
    sampling = BayesianParameterSampling(
        {"x": uniform(-5, 5), "n": quniform(0, 100, 10), "k": choice("a", "b")},
        properties={"seed": 1},
    )
    with pytest.warns(UserWarning, match="trials"):
        made = config(project, text, sampling, max_total_runs=14)
    run = submit(project, made)
    run.wait_for_completion()
    values = [json.loads(text) for text in run.get_hyperparameters().values()]
    assert len(values) == 14
    assert all(-5 <= each["x"] <= 5 and each["k"] in "ab" for each in values)
    assert all(each["n"] % 10 == 0 and 0 <= each["n"] <= 100 for each in values)


def test_a_search_whose_first_trials_fail_fails_and_says_so(project: Path) -> None:
    grid = GridParameterSampling({"C": choice(*range(20))})
    run = submit(project, config(project, "raise ValueError('no rows')", grid, max_total_runs=20))
    with pytest.raises(ActivityFailedException, match="the first 3 trials failed"):
        run.wait_for_completion()
    assert len(list(run.get_children())) < 20
    assert run.get_best_run_by_primary_metric() is None


def test_cancelling_a_search_stops_its_trials(project: Path) -> None:
    grid = GridParameterSampling({"C": choice(1, 2, 3)})
    run = submit(project, config(project, "import time; time.sleep(600)", grid))
    programs.wait_for(
        lambda: len([1 for each in run.get_children() if each.status == "Running"]) == 2
    )
    run.cancel()
    programs.wait_for(lambda: run.get_status() == "Canceled")
    programs.wait_for(lambda: all(each.status == "Canceled" for each in run.get_children()))
    assert len(list(run.get_children())) == 2


def test_a_killed_tuner_goes_on_and_doubles_no_trial(project: Path) -> None:
    grid = GridParameterSampling({"C": choice(*range(6))})
    text = """
    import sys, time
    from azureml.core import Run
    time.sleep(0.5)
    Run.get_context().log("AUC", float(sys.argv[2]))
    """
    run = submit(project, config(project, text, grid))
    for wanted in (1, 3):
        programs.wait_for(lambda count=wanted: len(list(run.get_children())) >= count)
        for pid in tuners(run.id):
            os.kill(pid, signal.SIGKILL)
    assert run.wait_for_completion()["status"] == "Completed"
    values = sorted(json.loads(text)["C"] for text in run.get_hyperparameters().values())
    assert values == list(range(6))
    assert all(each.status == "Completed" for each in run.get_children())


def test_trials_that_begin_at_once_are_each_run_once_though_tuner_and_server_are_killed(
    project: Path,
) -> None:
    count = 80
    grid = GridParameterSampling({"C": choice(*range(count))})
    text = """
    import sys
    from azureml.core import Run
    Run.get_context().log("AUC", int(sys.argv[2]))
    """
    made = config(project, text, grid, max_total_runs=count, max_concurrent_runs=count)
    run = submit(project, made)
    client = run.experiment.workspace._client
    # They go to the server in two requests; the tuner is killed when it has sent one.
    programs.wait_for(lambda: len(list(run.get_children())) > 0)
    for pid in tuners(run.id):
        os.kill(pid, signal.SIGKILL)
    programs.wait_for(lambda: any(each.status == "Completed" for each in run.get_children()))
    os.kill(client.get("/workspace")["pid"], signal.SIGKILL)
    assert run.wait_for_completion()["status"] == "Completed"
    values = sorted(json.loads(text)["C"] for text in run.get_hyperparameters().values())
    assert values == list(range(count))
    assert all(each.status == "Completed" for each in run.get_children())
    best = run.get_best_run_by_primary_metric()
    assert best is not None and best.get_metrics() == {"AUC": count - 1}


def test_of_equal_trials_the_one_with_the_lowest_number_is_the_best_for_all(
    project: Path,
) -> None:
    # The first trial ends when another has.
    text = """
    import sys, time
    from azureml.core import Run
    run = Run.get_context()
    run.log("AUC", 1)
    while sys.argv[2] == "0" and not any(
        each.status == "Completed" for each in run.parent.get_children()
    ):
        time.sleep(0.05)
    """
    grid = GridParameterSampling({"C": choice(0, 1, 2)})
    run = submit(project, config(project, text, grid))
    run.wait_for_completion()
    first = sorted(run.get_children(), key=lambda each: str(each.display_name))[0]
    assert first.get_tags()["hyperparameters"] == '{"C":0}'
    best = run.get_best_run_by_primary_metric()
    assert best is not None and best.id == first.id
    assert run.get_properties()["best_child_run_id"] == first.id
    assert run.get_children_sorted_by_primary_metric(top=1)[0]["run_id"] == first.id
    shown = subprocess.run(
        [os.environ["STEPWELL_BIN"], "logs", run.id],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert "trial 0 is the best: AUC is 1" in shown, shown


def test_trials_of_an_earlier_search_are_gone_on_with(project: Path) -> None:
    text = """
    import os, sys
    from azureml.core import Run
    epochs = 1
    if "--resume-from" in sys.argv:
        folder = sys.argv[sys.argv.index("--resume-from") + 1]
        epochs += int(open(os.path.join(folder, "epochs")).read())
    os.makedirs("outputs", exist_ok=True)
    open("outputs/epochs", "w").write(str(epochs))
    Run.get_context().log("AUC", epochs)
    """
    grid = GridParameterSampling({"C": choice(1)})
    first = submit(project, config(project, text, grid, max_total_runs=1))
    first.wait_for_completion()
    (child,) = first.get_children()
    second = submit(
        project,
        config(project, text, grid, max_total_runs=2, resume_from=first, resume_child_runs=child),
    )
    second.wait_for_completion()
    found = second.get_children_sorted_by_primary_metric()
    assert [each["best_primary_metric"] for each in found] == [2, 1]
    best = second.get_best_run_by_primary_metric()
    assert best is not None and best.parent.id == second.id


def test_the_command_line_shows_trials_best_first(project: Path) -> None:
    text = (
        "import sys; from azureml.core import Run; Run.get_context().log('AUC', int(sys.argv[2]))"
    )
    grid = GridParameterSampling({"C": choice(1, 3, 2)})
    run = submit(project, config(project, text, grid))
    run.wait_for_completion()
    shown = subprocess.run(
        [os.environ["STEPWELL_BIN"], "show", run.id],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    lines = [line.split() for line in shown.splitlines() if "C=" in line]
    assert [line[-2] for line in lines] == ["C=3", "C=2", "C=1"]


def tuners(run_id: str) -> List[int]:
    """The processes that drive the search."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            surroundings = (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"drive-tuning" in command and run_id.encode() in surroundings:
            found.append(int(folder.name))
    return found
