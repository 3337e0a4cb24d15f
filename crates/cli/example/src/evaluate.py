"""Measure how wrong the model is on rows that it has not seen."""

import argparse
import csv
import json
import os

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--clean", required=True)
parser.add_argument("--model", required=True)
options = parser.parse_args()

with open(os.path.join(options.model, "model.json")) as file:
    model = json.load(file)
with open(os.path.join(options.clean, "houses.csv"), newline="") as file:
    rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]

mistakes = []
for row in rows[::4]:
    guess = model["base"] + sum(model["weights"][name] * row[name] for name in model["weights"])
    mistakes.append(abs(guess - row["price"]))
mean = sum(mistakes) / len(mistakes)
print("{} houses, wrong by {:.1f} on average".format(len(mistakes), mean))
Run.get_context().log("mean_error", mean)
