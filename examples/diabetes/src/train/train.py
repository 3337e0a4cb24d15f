"""Train one kind of model and measure it on records it has not seen."""

import argparse
import os

import joblib
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--prepared")
parser.add_argument("--kind", choices=["logistic", "trees"])
parser.add_argument("--model")
args = parser.parse_args()

run = Run.get_context()
train = pd.read_csv(os.path.join(args.prepared, "train", "records.csv"))
test = pd.read_csv(os.path.join(args.prepared, "test", "records.csv"))
features = [column for column in train.columns if column != "Diabetic"]

if args.kind == "logistic":
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(train[features], train["Diabetic"])
else:
    model = GradientBoostingClassifier(n_estimators=100, random_state=0)
    model.fit(train[features], train["Diabetic"])
    for round, loss in enumerate(model.train_score_):
        run.log("loss", loss, step=round)

chances = model.predict_proba(test[features])[:, 1]
accuracy = accuracy_score(test["Diabetic"], chances > 0.5)
auc = roc_auc_score(test["Diabetic"], chances)
run.log("accuracy", accuracy)
run.log("auc", auc)
print(f"{args.kind}: accuracy {accuracy:.3f}, area under the curve {auc:.3f}")

os.makedirs(args.model, exist_ok=True)
joblib.dump((args.kind, model), os.path.join(args.model, "model.joblib"))
