"""Evaluation of MLflow models."""
