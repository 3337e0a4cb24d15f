"""Fit a linear model, one small correction after the other, and log how wrong it is."""

import argparse
import csv
import json
import os

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--clean", required=True)
parser.add_argument("--rate", type=float, required=True)
parser.add_argument("--model", required=True)
options = parser.parse_args()

COLUMNS = ("area", "rooms", "age")

with open(os.path.join(options.clean, "houses.csv"), newline="") as file:
    rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]

# Every fourth row is kept for the next step.
rows = [row for number, row in enumerate(rows) if number % 4]
weights = {column: 0.0 for column in COLUMNS}
base = 0.0
run = Run.get_context()
for epoch in range(200):
    mistakes = 0.0
    for row in rows:
        wrong = base + sum(weights[column] * row[column] for column in COLUMNS) - row["price"]
        mistakes += abs(wrong)
        base -= options.rate * wrong
        for column in COLUMNS:
            weights[column] -= options.rate * wrong * row[column]
    if epoch % 10 == 0:
        run.log("training_error", mistakes / len(rows))

print("after 200 epochs the model is wrong by {:.1f}".format(mistakes / len(rows)))
os.makedirs(options.model, exist_ok=True)
os.makedirs("outputs", exist_ok=True)
for folder in (options.model, "outputs"):
    with open(os.path.join(folder, "model.json"), "w") as file:
        json.dump({"base": base, "weights": weights}, file)
