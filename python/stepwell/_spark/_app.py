"""The Spark application of a notebook step: `spark-submit _app.py JOB`.

JOB is a JSON file that the launcher writes: the notebook, its parameters and its folders. The
exit status is 0 when every cell has run, 1 when one has failed.

For a JVM that is kept, the launcher starts this as a program of its own, while the JVM is being
looked for or begun; the way into it comes through a pipe.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time

# Python puts the folder of this file first; modules of the same names as others' live there.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from typing import Any, Dict  # noqa: E402

from stepwell._spark import _failure  # noqa: E402
from stepwell._spark._notebook._application import Application, Folders  # noqa: E402
from stepwell._spark._notebook._failed import CellFailed  # noqa: E402
from stepwell._spark._notebook._kept import Kept  # noqa: E402
from stepwell._spark._notebook._kernel import Kernel  # noqa: E402
from stepwell._spark._notebook._outputs import Secrets, Sink, Streams  # noqa: E402
from stepwell._spark._notebook._source import Cell, Notebook, read  # noqa: E402
from stepwell._spark._warm import PIPE  # noqa: E402
from stepwell._worker import Failure  # noqa: E402

_IMPORTED = ("pandas", "pyarrow", "pyspark.sql.classic.dataframe")
"""What a session of pyspark 4 imports when it begins."""


class _Progress(object):
    """Keeps the executed notebook and which cell runs."""

    def __init__(self, job: Dict[str, Any], notebook: Notebook, streams: Streams) -> None:
        self._job = job
        self._streams = streams
        self._kept = Kept(job["kept"], job["name"], notebook)
        self._code = [cell.number for cell in notebook.cells if cell.language != "markdown"]
        self._running = 0
        self._begun = 0.0

    def __call__(self, cell: Cell, sink: Sink) -> None:
        """A cell begins, or ends when it is the one that began last."""
        if cell.number != self._running:
            self._running = cell.number
            self._begun = time.monotonic()
            self._kept.begin(cell, sink.outputs)
            position = self._code.index(cell.number) + 1
            title = " " + cell.title if cell.title else ""
            self._streams.log(f"── cell {cell.number}{title} ({cell.language})\n")
            self._write({"current": cell.number, "position": position, "total": len(self._code)})
        else:
            self._kept.write()
            seconds = time.monotonic() - self._begun
            self._streams.log(f"── cell {cell.number} took {seconds:.1f} s\n")

    def done(self) -> None:
        """Every cell has run."""
        self._kept.write()
        self._write({"current": None, "position": len(self._code), "total": len(self._code)})

    def _write(self, cells: Dict[str, Any]) -> None:
        path = self._job["cells"]
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump(cells, file)
        os.replace(path + ".part", path)


def main(path: str) -> int:
    """Run the notebook of a job; gives the exit status."""
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    notebook = read(job["notebook"])
    os.chdir(os.path.dirname(job["notebook"]))
    for folder in (job["root"], job["site"]):
        sys.path.insert(0, folder)
    if not _has_jvm():
        return 0
    spark = _session()
    secrets = Secrets()
    secrets.add(os.environ.get("STEPWELL_TOKEN", ""))
    streams = Streams(secrets)
    folders = Folders(job["root"], job["dbfs"], job["site"], job["values"])
    parameters = dict(job["parameters"])
    if os.environ.get("STEPWELL_TOKEN"):
        # A widget of the original service; the value is in no file.
        parameters["AZUREML_RUN_TOKEN"] = os.environ["STEPWELL_TOKEN"]
    with streams:
        progress = _Progress(job, notebook, streams)
        application = Application(spark, folders, streams, job["step"], job["run"])
        kernel = Kernel(application, job["notebook"], parameters, spark)
        sys.modules["__main__"] = kernel.module  # classes of cells are found by pickle
        try:
            value = kernel.run(notebook, progress)
        except CellFailed as failed:
            streams.log(failed.detail() + "\n")
            _failure.record(
                Failure(
                    "user_code",
                    secrets.redact(failed.summary()),
                    hint=failed.remedy()
                    or "the notebook with its outputs is kept as {}/{}.html".format(
                        os.path.basename(job["kept"]), job["name"]
                    ),
                    detail=secrets.redact(failed.detail()),
                )
            )
            return 1
        progress.done()
        if value:
            with open(job["value"], "w", encoding="utf-8") as file:
                file.write(secrets.redact(value))
            streams.log(f"── the notebook ended with `{value}`\n")
    spark.stop()
    return 0


def _has_jvm() -> bool:
    """Whether there is a JVM to use: always, unless one was to come through a pipe and did not."""
    pipe = os.environ.pop(PIPE, None)
    if pipe is None:
        return True
    for name in _IMPORTED:
        try:
            importlib.import_module(name)
        except ImportError:  # nor will the session
            break
    with os.fdopen(int(pipe), encoding="utf-8") as file:
        came = file.read()
    os.environ.update(json.loads(came) if came else {})
    return bool(came)


def _session() -> Any:
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder
    return builder.getOrCreate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
