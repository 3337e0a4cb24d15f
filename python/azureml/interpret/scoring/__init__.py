"""Explainers for scoring scripts."""
