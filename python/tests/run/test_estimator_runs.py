"""Estimators, and steps made of them, on the real server."""

from __future__ import annotations

from pathlib import Path

import programs
import pytest

from azureml.core import Dataset, Experiment, Workspace
from azureml.exceptions import TrainingException
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import EstimatorStep, MpiStep
from azureml.train.estimator import Estimator
from azureml.train.sklearn import SKLearn

TRAIN = """
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--data-folder")
parser.add_argument("--rate", type=float)
parser.add_argument("--fast", action="store_true")
given = parser.parse_args()
run = Run.get_context()
run.log("rate", given.rate)
run.log("fast", int(given.fast))
run.log("files", len(os.listdir(given.data_folder)))
run.log("colour", os.environ["EXAMPLE_ENV_VAR"])
import sklearn
"""


def test_an_estimator_runs_as_the_tutorial_has_it(project: Path) -> None:
    programs.write(project, "train.py", TRAIN)
    (project / "letters").mkdir()
    (project / "letters" / "a.txt").write_text("a")
    workspace = Workspace.from_config()
    store = workspace.get_default_datastore()
    store.upload(str(project / "letters"), target_path=project.name)
    estimator = SKLearn(
        str(project / "src"),
        entry_script="train.py",
        compute_target="local",
        script_params={
            "--data-folder": store.path(project.name).as_mount(),
            "--rate": 0.5,
            "--fast": "",
        },
    )
    experiment = Experiment(workspace, project.name)
    run = experiment.submit(estimator)
    assert run.wait_for_completion()["status"] == "Completed"
    wanted = {"rate": 0.5, "fast": 1, "files": 1, "colour": "EXAMPLE_VALUE"}
    assert run.get_metrics() == wanted
    with pytest.raises(TrainingException, match="script_params"):
        experiment.submit(estimator, node_count=2)


def test_an_input_of_an_estimator_is_found_by_its_name(project: Path) -> None:
    programs.write(
        project,
        "read.py",
        """
        from azureml.core import Run
        run = Run.get_context()
        run.log("rows", len(run.input_datasets["letters"].to_pandas_dataframe()))
        """,
    )
    (project / "letters.csv").write_text("letter\na\nb\n")
    workspace = Workspace.from_config()
    store = workspace.get_default_datastore()
    store.upload_files([str(project / "letters.csv")], target_path=project.name)
    table = Dataset.Tabular.from_delimited_files((store, project.name + "/letters.csv"))
    run = Experiment(workspace, project.name).submit(
        Estimator(
            str(project / "src"),
            entry_script="read.py",
            compute_target="local",
            inputs=[table.as_named_input("letters")],
        )
    )
    run.wait_for_completion()
    assert run.get_metrics() == {"rows": 2}


def test_steps_of_an_estimator_and_of_mpi_run_in_a_pipeline(project: Path) -> None:
    programs.write(project, "make.py", "import sys\nopen(sys.argv[1], 'w').write('made')\n")
    programs.write(project, "read.py", "import sys\nassert open(sys.argv[1]).read() == 'made'\n")
    workspace = Workspace.from_config()
    from azureml.core.compute import AmlCompute, ComputeTarget

    settings = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=1)
    cluster = ComputeTarget.create(workspace, "estimators", settings)
    made = PipelineData("made")
    first = EstimatorStep(
        estimator=Estimator(str(project / "src"), entry_script="make.py", compute_target=cluster),
        estimator_entry_script_arguments=[made],
        outputs=[made],
        compute_target=cluster,
    )
    second = MpiStep(
        name="read",
        source_directory=str(project / "src"),
        script_name="read.py",
        arguments=[made],
        inputs=[made],
        compute_target=cluster,
        node_count=1,
        process_count_per_node=1,
    )
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [second]))
    assert run.wait_for_completion() == "Finished"
    assert first.step_type == "EstimatorStep" and second.step_type == "MpiStep"
