"""Compare the models on records of other patients, and register the best."""

import argparse
import os
import shutil

import joblib
from sklearn.metrics import accuracy_score, roc_auc_score

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--others")
parser.add_argument("--models", nargs="+")
args = parser.parse_args()

run = Run.get_context()
others = run.input_datasets["others"].to_pandas_dataframe()
others = others.drop(columns=["PatientID"]).dropna()
truth = others.pop("Diabetic")

found = []
for folder in args.models:
    kind, model = joblib.load(os.path.join(folder, "model.joblib"))
    chances = model.predict_proba(others)[:, 1]
    metrics = {
        "kind": kind,
        "accuracy": accuracy_score(truth, chances > 0.5),
        "auc": roc_auc_score(truth, chances),
    }
    print("{kind:>10}  accuracy {accuracy:.3f}  area under the curve {auc:.3f}".format(**metrics))
    run.log_row("models", **metrics)
    found.append((metrics, folder))

best, folder = max(found, key=lambda each: each[0]["accuracy"])
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
print(f"registered {model.name} version {model.version}")
