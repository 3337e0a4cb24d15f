"""Train two models that predict diabetes, in parallel, and register the better one.

    python train_pipeline.py

Data goes from step to step in all three ways that v1 has: as a place on a datastore (`raw`), as an
output that becomes a registered dataset (`prepared`), and as plain data between steps (the models).
The last step reads a registered dataset (`others`).

Run it twice: the second time nothing has changed, so nothing runs. Then change a file below `src`.
"""

import os

from azureml.core import Dataset, Experiment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import Model
from azureml.core.runconfig import RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

HERE = os.path.dirname(os.path.abspath(__file__))

# Where we work, and the data we start from.
ws = Workspace.from_config()
datastore = ws.get_default_datastore()
for name in ("diabetes", "diabetes2"):
    datastore.upload_files(
        files=[os.path.join(HERE, "data", name + ".csv")],
        target_path=name,
        overwrite=True,
        show_progress=False,
    )
# A place that a submission can choose: `pipeline_parameters={"raw": DataPath(...)}`.
raw = (
    PipelineParameter(name="raw", default_value=DataPath(datastore, "diabetes")),
    DataPathComputeBinding(mode="mount"),
)
others = Dataset.Tabular.from_delimited_files((datastore, "diabetes2/*.csv"))
others = others.register(ws, "diabetes-others", create_new_version=True)

# What the steps run with.
run_config = RunConfiguration()
run_config.environment.python.conda_dependencies = CondaDependencies.create(
    pip_packages=["pandas", "scikit-learn"]
)

# What they pass on.
test_fraction = PipelineParameter(name="test_fraction", default_value=0.3)
prepared = OutputFileDatasetConfig(name="prepared").register_on_complete("diabetes-prepared")
logistic = PipelineData("logistic", datastore=datastore)
trees = PipelineData("trees", datastore=datastore)


def step(name, script, **options):
    """A step whose script has a folder of its own, so that no other step depends on it."""
    return PythonScriptStep(
        name=name,
        script_name=script + ".py",
        source_directory=os.path.join(HERE, "src", script),
        compute_target="aml-cluster",
        runconfig=run_config,
        **options,
    )


def train_step(kind, model):
    arguments = ["--prepared", prepared.as_input("prepared"), "--kind", kind, "--model", model]
    return step("train " + kind, "train", arguments=arguments, outputs=[model])


prepare_step = step(
    "prepare",
    "prepare",
    arguments=["--raw", raw, "--prepared", prepared, "--test-fraction", test_fraction],
    inputs=[raw],
)
compare_step = step(
    "compare",
    "compare",
    arguments=["--others", others.as_named_input("others"), "--models", logistic, trees],
    inputs=[logistic, trees],
)

pipeline = Pipeline(
    workspace=ws,
    steps=[
        prepare_step,
        train_step("logistic", logistic),
        train_step("trees", trees),
        compare_step,
    ],
    description="Predict diabetes",
)
pipeline.validate()

run = Experiment(ws, "diabetes").submit(pipeline)
run.wait_for_completion(show_output=True)

metrics = run.find_step_run("compare")[0].get_metrics()
model = Model(ws, "diabetes")
steps = list(run.get_steps())
reused = [step for step in steps if "azureml.reusedrunid" in step.get_properties()]
print(f"{len(reused)} of {len(steps)} steps were reused.")
print(
    "The best model is {} with an accuracy of {:.1%}.".format(metrics["best"], metrics["accuracy"])
)
print(f"It is registered as {model.name}, version {model.version}.")
