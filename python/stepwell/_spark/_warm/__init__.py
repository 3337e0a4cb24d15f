"""Spark's JVM kept between steps, so that its start is paid once.

A *keeper* (`_keeper`) owns one JVM and lends it to one step at a time. A step has an application
(`SparkContext`) of its own in it, with its own properties, log, event log and page, and its own
Python processes; what it changed in the JVM is put back when it ends, or the JVM is ended. A
*slot* (`_slots`) is the place of a keeper: a folder of the data folder that only its owner can
read. `_fit` decides, purely, which steps may share a JVM.

Invariants: a JVM serves one step at a time; whatever is not certain to be put back ends the JVM; a
keeper knows no variable of a step, and ends by itself.
"""

PIPE = "STEPWELL_SPARK_JVM"
"""The variable with the number of the pipe by which a program gets its way into a JVM."""
