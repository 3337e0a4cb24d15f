"""Runs a step as a job of a Databricks workspace, by its REST API (Jobs 2.2, DBFS 2.0)."""
