"""Runs a notebook cell by cell inside a Spark application, and keeps it with its outputs."""
