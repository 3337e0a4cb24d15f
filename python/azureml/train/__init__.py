"""Training: estimators, the search of hyperparameters, AutoML."""
