"""Score a hundred files on all cores, with a model that the pipeline trains and registers.

python score_pipeline.py
"""

import csv
import os
import tempfile

from azureml.core import Dataset, Environment, Experiment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep, PythonScriptStep

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "src")
RECORDS = os.path.join(HERE, "..", "diabetes", "data", "diabetes.csv")
COMPUTE = "cpu-cluster"
MODEL = "diabetes-risk"

# Where we work, and a hundred clinics that sent a file each.
ws = Workspace.from_config()
datastore = ws.get_default_datastore()
with tempfile.TemporaryDirectory() as folder:
    with open(RECORDS) as file:
        header, *records = csv.reader(file)
    for number in range(100):
        name = os.path.join(folder, f"clinic_{number:03d}.csv")
        with open(name, "w", newline="") as file:
            csv.writer(file).writerows([header, *records[number::100]])
    clinics = Dataset.File.upload_directory(
        folder, (datastore, "clinics"), overwrite=True, show_progress=False
    )
clinics = clinics.register(ws, "clinics", create_new_version=True)

# What the steps run with.
environment = Environment("diabetes-scoring")
environment.python.conda_dependencies = CondaDependencies.create(
    pip_packages=["pandas", "scikit-learn"]
)
run_config = RunConfiguration()
run_config.environment = environment

train_step = PythonScriptStep(
    name="train",
    script_name="train.py",
    source_directory=SOURCE,
    arguments=["--clinics", clinics.as_named_input("clinics").as_mount(), "--model", MODEL],
    compute_target=COMPUTE,
    runconfig=run_config,
)

scores = OutputFileDatasetConfig(name="scores")
score_step = ParallelRunStep(
    name="score",
    parallel_run_config=ParallelRunConfig(
        environment=environment,
        entry_script="score.py",
        source_directory=SOURCE,
        mini_batch_size=PipelineParameter(name="files_at_once", default_value="5"),
        error_threshold=10,
        output_action="append_row",
        compute_target=COMPUTE,
        node_count=1,
        process_count_per_node=2,
        run_invocation_timeout=60,
    ),
    inputs=[clinics.as_named_input("clinics")],
    output=scores,
    arguments=["--model", MODEL],
)
score_step.run_after(train_step)

pipeline = Pipeline(workspace=ws, steps=[score_step])
run = Experiment(ws, "batch-scoring").submit(pipeline)
run.wait_for_completion(show_output=True)

# One line a file, in the order in which they were done.
(prediction_run,) = run.find_step_run("score")
prediction_run.get_output_data("scores").download(os.path.join(HERE, "results"), overwrite=True)
for root, _, names in os.walk(os.path.join(HERE, "results")):
    for name in names:
        if name == "parallel_run_step.txt":
            with open(os.path.join(root, name)) as file:
                lines = sorted(file)
print(f"{len(lines)} clinics were scored; the first of them:")
print("".join(lines[:3]))
