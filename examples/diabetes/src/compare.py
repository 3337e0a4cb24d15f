"""Compare the models and register the best."""

import argparse
import json
import os
import shutil

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--models", nargs="+")
args = parser.parse_args()

run = Run.get_context()
found = []
for folder in args.models:
    with open(os.path.join(folder, "metrics.json")) as file:
        found.append((json.load(file), folder))
found.sort(key=lambda each: each[0]["accuracy"], reverse=True)

for metrics, _ in found:
    print("{kind:>10}  accuracy {accuracy:.3f}  area under the curve {auc:.3f}".format(**metrics))
    run.log_row("models", **metrics)

best, folder = found[0]
run.log("best", best["kind"])
run.log("accuracy", best["accuracy"])

os.makedirs("outputs", exist_ok=True)
shutil.copy(os.path.join(folder, "model.joblib"), "outputs/diabetes.joblib")
run.upload_file("outputs/diabetes.joblib", "outputs/diabetes.joblib")
model = run.register_model(
    model_name="diabetes",
    model_path="outputs/diabetes.joblib",
    tags={"kind": best["kind"]},
    properties={"accuracy": "{:.4f}".format(best["accuracy"])},
)
print("registered {} version {}".format(model.name, model.version))
