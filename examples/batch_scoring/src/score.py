"""Score the files of clinics: one line a file, with the share of patients at risk."""

import argparse
import os

import joblib
import pandas as pd

from azureml.core.model import Model


def init():
    global model

    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    args, _ = parser.parse_known_args()
    model = joblib.load(Model.get_model_path(args.model))


def run(mini_batch):
    print(f"run method start: {__file__}, run({mini_batch})")
    results = []
    for path in mini_batch:
        rows = pd.read_csv(path)
        at_risk = model.predict(rows.drop(columns=["PatientID", "Diabetic"]))
        results.append(f"{os.path.basename(path)}: {at_risk.mean():.3f}")
    return results
