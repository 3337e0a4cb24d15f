"""The worker of a Spark step: `python -m stepwell._spark`.

It reads the request of one step and runs a notebook, a script or a JAR, either by `spark-submit`
with the pyspark of the step's environment, or as a job of a Databricks workspace. `docs/spark.md`
says what a step can rely on. Nothing here imports pyspark except `_notebook._app`, which runs
inside the Spark application.
"""
