"""Searches for a model on the real server, with FLAML in an environment that uv builds."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import programs
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from azureml.core import Dataset, Experiment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.pipeline.core import Pipeline, PipelineData, TrainingOutput
from azureml.pipeline.steps import AutoMLStep, AutoMLStepRun
from azureml.train.automl import AutoMLConfig, AutoMLRun
from azureml.train.automl.exceptions import ConfigException, NotFoundException

DATA = Path(__file__).resolve().parents[3] / "examples" / "diabetes" / "data" / "diabetes.csv"


def parts() -> "tuple[pd.DataFrame, pd.DataFrame]":
    table = pd.read_csv(DATA).drop(columns=["PatientID"])
    train, test = train_test_split(table, test_size=0.3, random_state=0, stratify=table["Diabetic"])
    return train, test


def test_a_search_beats_logistic_regression_within_a_minute(project: Path) -> None:
    train, test = parts()
    run = Experiment(Workspace.from_config(), project.name).submit(
        AutoMLConfig(
            task="classification",
            primary_metric="AUC_weighted",
            training_data=train,
            validation_data=test,
            label_column_name="Diabetic",
            allowed_models=["LightGBM", "LogisticRegression"],
            iterations=12,
            experiment_timeout_minutes=1,
        )
    )
    assert isinstance(run, AutoMLRun)
    run.wait_for_completion()
    plain = LogisticRegression(max_iter=1000).fit(
        train.drop(columns=["Diabetic"]), train["Diabetic"]
    )
    chances = plain.predict_proba(test.drop(columns=["Diabetic"]))[:, 1]
    best = run.get_best_child()
    found = best.get_metrics()
    assert found["AUC_weighted"] > roc_auc_score(test["Diabetic"], chances)
    assert {"accuracy", "f1_score_macro", "log_loss", "norm_macro_recall"} <= set(found)
    assert run.get_metrics()["AUC_weighted"] == found["AUC_weighted"]
    children = list(run.get_children())
    numbers = [int(each.properties["iteration"]) for each in children]
    assert sorted(numbers) == list(range(len(children)))
    assert {each.properties["runTemplate"] for each in children} == {"automl_child"}
    assert best.properties["model_output_path"].split("/")[0] == "outputs"
    assert sum(count for _, count, _ in run.summary()) == 0 or run.summary()[0][0]
    model = run.register_model(project.name)
    assert model.run_id == best.id
    with pytest.raises(ConfigException):
        run.get_output(iteration=0, metric="accuracy")
    with pytest.raises(NotFoundException):
        run.get_output(iteration=1000)


def test_a_step_hands_on_metrics_and_the_model(project: Path) -> None:
    workspace = Workspace.from_config()
    train, _ = parts()
    train.head(600).to_csv(project / "train.csv", index=False)
    store = workspace.get_default_datastore()
    store.upload_files([str(project / "train.csv")], target_path=project.name)
    dataset = Dataset.Tabular.from_delimited_files((store, project.name + "/train.csv"))
    settings = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=1)
    cluster = ComputeTarget.create(workspace, "automl", settings)
    metrics = PipelineData("metrics", training_output=TrainingOutput("Metrics"))
    model = PipelineData("model", training_output=TrainingOutput("Model"))
    search = AutoMLStep(
        "search",
        AutoMLConfig(
            task="regression",
            training_data=dataset,
            label_column_name="Age",
            compute_target=cluster,
            allowed_models=["LightGBM"],
            iterations=2,
            n_cross_validations=2,
            experiment_timeout_minutes=1,
        ),
        outputs=[metrics, model],
        passthru_automl_config=False,
    )
    read = programs.step(
        project,
        "read",
        """
        import json, os, sys
        (found,) = json.load(open(sys.argv[1])).values()
        assert 0 < found["normalized_root_mean_squared_error"][0] < 1, found
        assert os.path.getsize(sys.argv[2]) > 1000
        """,
        arguments=[metrics, model],
        inputs=[metrics, model],
    )
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [search, read]))
    assert run.wait_for_completion() == "Finished"
    found = AutoMLStepRun(run.find_step_run("search")[0])
    assert found.get_tags()["automl_best_child_run_id"] == found.get_best_child().id
    assert json.loads(found.get_tags()["automl_dependencies"])["flaml"]
