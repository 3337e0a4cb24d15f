"""What the notebooks of one Spark application share.

The session, the output streams, the folders, and the way from a notebook's path to its file.
"""

from __future__ import annotations

import ctypes
import difflib
import os
import threading
from typing import Any, Dict, List, Mapping, NamedTuple

from stepwell._spark._notebook._dbutils import SecretStore, workspace_secret
from stepwell._spark._notebook._fs import Fs
from stepwell._spark._notebook._outputs import Streams
from stepwell._spark._notebook._source import SUFFIXES, read


class NotebookNotFound(FileNotFoundError):
    """No file is the notebook of this path."""


class ChildFailed(Exception):
    """A notebook that `dbutils.notebook.run` started has failed."""


class ChildTimedOut(Exception):
    """A notebook that `dbutils.notebook.run` started took too long."""


class _Stopped(BaseException):
    """Raised in the thread of a notebook that took too long."""


class Folders(NamedTuple):
    """Where the notebooks of one step find and keep files."""

    root: str
    """The notebooks: `/Shared/a` is searched as `Shared/a` below it."""
    dbfs: str
    site: str
    """The packages of `%pip`."""
    values: str
    """The task values of the pipeline run."""


class Application(object):
    """What the notebooks of one step share."""

    def __init__(self, spark: Any, folders: Folders, streams: Streams, step: str, run: str) -> None:
        self.spark = spark
        self.streams = streams
        self.step = step
        self.site = folders.site
        self.values_folder = folders.values
        self.fs = Fs(spark, folders.dbfs)
        self.secret_store = SecretStore(os.environ, streams.secrets, workspace_secret)
        self._root = folders.root
        self._run = run

    def context(self, path: str) -> Dict[str, Any]:
        """What `dbutils.notebook.entry_point` knows of a notebook."""
        inside = os.path.relpath(os.path.abspath(path), self._root)
        return {
            "notebook_path": "/" + os.path.splitext(inside)[0],
            "currentRunId": self._run,
            "jobId": self._run,
            "runId": self._run,
            "jobName": self.step,
            "user": os.environ.get("USER", ""),
        }

    def sql_context(self, spark: Any) -> Any:
        """The older way to `spark`; `spark` itself where pyspark has it no more."""
        try:
            from pyspark.sql import SQLContext
        except ImportError:
            return spark
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return SQLContext(spark.sparkContext, spark)

    def find(self, path: str, folder: str) -> str:
        """The file of a notebook, from its path as notebooks name each other.

        Raises:
            NotebookNotFound: Saying what was searched and which names are close.
        """
        return find(path, folder, self._root)

    def run_apart(self, path: str, timeout_s: float, given: Mapping[str, str]) -> str:
        """Run a notebook in a namespace and a session of its own; gives its exit value.

        Raises:
            ChildFailed: One of its cells failed.
            ChildTimedOut: It took longer than `timeout_s`; 0 is no limit.
        """
        result: List[Any] = []
        sink = self.streams.sink
        group = f"stepwell-{os.path.basename(path)}-{threading.get_ident()}"

        def work() -> None:
            from stepwell._spark._notebook._kernel import Kernel

            self.streams.enter(sink)
            self.spark.sparkContext.setJobGroup(group, path, True)
            try:
                kernel = Kernel(self, path, given, self.spark.newSession())
                result.append(kernel.run(read(path)))
            except BaseException as error:
                result.append(error)

        thread = threading.Thread(target=work, name="notebook " + path, daemon=True)
        thread.start()
        thread.join(timeout_s or None)
        if thread.is_alive():
            self.spark.sparkContext.cancelJobGroup(group)
            _raise_in(thread, _Stopped)
            raise ChildTimedOut(f"`{os.path.basename(path)}` took longer than {timeout_s} s")
        value = result[0]
        if isinstance(value, BaseException):
            raise ChildFailed(str(value)) from value
        return str(value)


def _raise_in(thread: threading.Thread, error: Any) -> None:
    """Have another thread raise an exception at its next instruction of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error)
    )


def find(path: str, folder: str, root: str) -> str:
    """The file of the notebook `path`, named from a notebook in `folder`.

    A path that begins with `/` is searched below `root`; the leading parts of it that the
    folder of a checkout lacks, such as `/Repos/me/project`, may be left out. The ending of the
    file may be.

    Raises:
        NotebookNotFound: Saying what was searched and which names are close.
    """
    bases = []
    if path.startswith("/"):
        if os.path.isfile(path):
            return path
        parts = [part for part in path.split("/") if part]
        bases = [os.path.join(root, *parts[skip:]) for skip in range(len(parts))]
    else:
        bases = [os.path.join(folder, path), os.path.join(root, path)]
    for base in bases:
        for ending in ("", *SUFFIXES):
            if (ending or os.path.splitext(base)[1] in SUFFIXES) and os.path.isfile(base + ending):
                return os.path.normpath(base + ending)
    raise NotebookNotFound(_not_found(path, bases[0], root))


def _not_found(path: str, base: str, root: str) -> str:
    known = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in files:
            if os.path.splitext(name)[1] in SUFFIXES:
                known.append(os.path.relpath(os.path.join(folder, name), root))
        if len(known) > 10000:
            break
    stems = {os.path.splitext(os.path.basename(name))[0]: name for name in known}
    wanted = os.path.splitext(os.path.basename(base))[0]
    near = difflib.get_close_matches(wanted, list(stems), 1)
    hint = f"did you mean `{stems[near[0]]}`?" if near else "add it to the source directory"
    return f"no notebook `{path}` is below `{root}`; {hint}"
