"""Split the records into those to learn from and those to test with."""

import argparse
import os

import pandas as pd
from sklearn.model_selection import train_test_split

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--raw")
parser.add_argument("--prepared")
parser.add_argument("--test-fraction", type=float)
args = parser.parse_args()

run = Run.get_context()
records = pd.read_csv(os.path.join(args.raw, "diabetes.csv"))
records = records.drop(columns=["PatientID"]).dropna().drop_duplicates()
train, test = train_test_split(
    records, test_size=args.test_fraction, random_state=0, stratify=records["Diabetic"]
)

for part, records in [("train", train), ("test", test)]:
    os.makedirs(os.path.join(args.prepared, part))
    records.to_csv(os.path.join(args.prepared, part, "records.csv"), index=False)

print(f"{len(train):,} records to learn from, {len(test):,} to test with")
run.log("train_records", len(train))
run.log("test_records", len(test))
