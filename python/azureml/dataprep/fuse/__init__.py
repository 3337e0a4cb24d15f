"""Datasets of files that are mounted."""
