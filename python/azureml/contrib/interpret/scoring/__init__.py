"""Explainers for scoring scripts under an older name."""
