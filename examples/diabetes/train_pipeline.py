"""Train two models that predict diabetes, in parallel, and register the better one.

python train_pipeline.py
"""

import os

from azureml.core import Experiment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import Model
from azureml.core.runconfig import RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "src")
COMPUTE = "aml-cluster"

# Where we work, and the data we start from.
ws = Workspace.from_config()
datastore = ws.get_default_datastore()
datastore.upload_files(
    files=[os.path.join(HERE, "data", "diabetes.csv")],
    target_path="diabetes",
    overwrite=True,
    show_progress=False,
)
raw = DataReference(datastore, data_reference_name="raw", path_on_datastore="diabetes")

# What the steps run with.
run_config = RunConfiguration()
run_config.environment.python.conda_dependencies = CondaDependencies.create(
    pip_packages=["pandas", "scikit-learn"]
)

# What they pass on.
test_fraction = PipelineParameter(name="test_fraction", default_value=0.3)
prepared = OutputFileDatasetConfig(name="prepared")
logistic = PipelineData("logistic", datastore=datastore)
trees = PipelineData("trees", datastore=datastore)

prepare_step = PythonScriptStep(
    name="prepare",
    script_name="prepare.py",
    source_directory=SOURCE,
    arguments=["--raw", raw, "--prepared", prepared, "--test-fraction", test_fraction],
    inputs=[raw],
    compute_target=COMPUTE,
    runconfig=run_config,
)


def train_step(kind, model):
    return PythonScriptStep(
        name="train " + kind,
        script_name="train.py",
        source_directory=SOURCE,
        arguments=["--prepared", prepared.as_input(), "--kind", kind, "--model", model],
        outputs=[model],
        compute_target=COMPUTE,
        runconfig=run_config,
    )


compare_step = PythonScriptStep(
    name="compare",
    script_name="compare.py",
    source_directory=SOURCE,
    arguments=["--models", logistic, trees],
    inputs=[logistic, trees],
    compute_target=COMPUTE,
    runconfig=run_config,
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
print(
    "The best model is {} with an accuracy of {:.1%}.".format(metrics["best"], metrics["accuracy"])
)
print("It is registered as {}, version {}.".format(model.name, model.version))
