"""Predict the prices of houses: three steps that pass data to each other.

    stepwell run pipeline.py
    stepwell run pipeline.py --rate 0.3

Run it twice: the second time nothing has changed, so every step is reused. Then change a file below
`src`, or the rate, and run it again: only what depends on the change runs.
"""

import argparse
import os

from azureml.core import Experiment, Workspace
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

HERE = os.path.dirname(os.path.abspath(__file__))

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, default=0.1, help="how fast the model learns")
options = parser.parse_args()

# The workspace: a server that starts by itself and keeps everything in the folder `.stepwell`.
ws = Workspace.from_config()
datastore = ws.get_default_datastore()
datastore.upload_files(
    [os.path.join(HERE, "data", "houses.csv")],
    target_path="houses",
    overwrite=True,
    show_progress=False,
)

# What the steps read, write and pass on.
houses = datastore.path("houses/houses.csv").as_mount()
clean = PipelineData("clean", datastore=datastore)
model = PipelineData("model", datastore=datastore)
rate = PipelineParameter("rate", default_value=0.1)


def step(name, arguments, inputs, outputs=()):
    """A step that runs `src/NAME.py`."""
    return PythonScriptStep(
        name=name,
        script_name=name + ".py",
        source_directory=os.path.join(HERE, "src"),
        arguments=arguments,
        inputs=list(inputs),
        outputs=list(outputs),
        allow_reuse=True,
    )


prepare = step("prepare", ["--houses", houses, "--clean", clean], [houses], [clean])
train = step("train", ["--clean", clean, "--rate", rate, "--model", model], [clean], [model])
evaluate = step("evaluate", ["--clean", clean, "--model", model], [clean, model])

pipeline = Pipeline(workspace=ws, steps=[prepare, train, evaluate])
run = Experiment(ws, "houses").submit(pipeline, pipeline_parameters={"rate": options.rate})
run.wait_for_completion(show_output=False)

metrics = run.find_step_run("evaluate")[0].get_metrics()
print("The model is wrong by {:.1f} on average.".format(metrics["mean_error"]))
