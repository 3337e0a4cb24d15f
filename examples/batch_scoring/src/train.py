"""Train a model on the files of all clinics, and register it."""

import argparse
import glob
import os

import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--clinics")
parser.add_argument("--model")
args = parser.parse_args()

run = Run.get_context()
files = sorted(glob.glob(os.path.join(args.clinics, "*.csv")))
rows = pd.concat(pd.read_csv(file) for file in files)
features = rows.drop(columns=["PatientID", "Diabetic"])
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
model.fit(features, rows["Diabetic"])
run.log("accuracy", model.score(features, rows["Diabetic"]))

os.makedirs("outputs", exist_ok=True)
joblib.dump(model, "outputs/model.pkl")
run.register_model(
    model_name=args.model,
    model_path="outputs/model.pkl",
    model_framework="ScikitLearn",
    tags={"files": len(files)},
)
