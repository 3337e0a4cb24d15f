"""The parent of the Python processes that run a step's functions, in a JVM that is not its own.

Spark starts it from the JVM, whose folder and variables are not those of the step. It takes both
from the step's worker, and is then what Spark's own daemon is (`pyspark.daemon`).
"""

from __future__ import annotations

import os
import sys

STEP = "STEPWELL_SPARK_STEP"
"""The variable with the number of the worker's process."""


def become(process: str) -> None:
    """Take the working directory and the variables of a process; not those that Spark has set."""
    with open(f"/proc/{process}/environ", "rb") as file:
        given = file.read()
    for line in given.split(b"\0"):
        name, equals, value = line.partition(b"=")
        if equals and name not in os.environb:
            os.environb[name] = value
    os.chdir(f"/proc/{process}/cwd")
    # Where Python looks first: the folder in which Spark would have started it.
    sys.path[0] = os.getcwd()


if __name__ == "__main__":
    become(os.environ[STEP])
    from pyspark.daemon import manager

    manager()
