"""One JVM of Spark: begun once, handed to one application after another.

An application gets an entry of its own (py4j's gateway, with a secret of its own) and finds its
properties where `spark-submit` would have put them. When it ends, its entry is closed, its
context stopped, and everything static that it may have changed is put back. The JVM dies with
the process that began it: it reads that one's pipe.
"""

from __future__ import annotations

import os
import time
from typing import Any, Callable, List, NamedTuple

from stepwell._spark._warm._begin import Beginning

ROOM = 1 << 30
"""Bytes that a JVM may hold beside its heap; one that holds more is not used again."""
UNCLEAN = "stepwell.unclean"
"""The system property by which an application says why nobody may use the JVM after it."""
_TASKS_END_S = 5.0
_TASK_THREAD = "Executor task launch worker"


class Unclean(Exception):
    """Something of an application is left in the JVM."""


class Entry(NamedTuple):
    """How the Python of an application comes into the JVM."""

    port: int
    secret: str


class Jvm(object):
    """A JVM without an application, or with one."""

    def __init__(self, logging: str, beginning: Beginning) -> None:
        """Wait until it has begun, which takes some seconds.

        Args:
            logging: The log configuration for the time between two applications.
            beginning: Its start.
        """
        from pyspark.java_gateway import launch_gateway

        begun = beginning.end()
        self.process = begun.process
        os.environ["PYSPARK_GATEWAY_PORT"] = str(begun.port)
        os.environ["PYSPARK_GATEWAY_SECRET"] = begun.secret
        self._gateway = launch_gateway()
        # Conversions of Python values would import NumPy and pandas; here are none.
        self._gateway._gateway_client.converters = None
        self._jvm = self._gateway.jvm
        self._logging = logging
        system = self._jvm.java.lang.System
        self._streams = (system.out, system.err)
        for name in list(system.getProperties().stringPropertyNames()):
            if name.startswith("spark."):
                system.clearProperty(name)
        self._properties = system.getProperties().clone()
        self._zone = self._jvm.java.util.TimeZone.getDefault()
        self._locale = self._jvm.java.util.Locale.getDefault()
        self._server: Any = None
        self._opened: List[Any] = []

    def line(self) -> List[str]:
        """Its command line."""
        with open(f"/proc/{self.process.pid}/cmdline", "rb") as file:
            return os.fsdecode(file.read()).split("\0")

    def begin(
        self, properties: str, logging: str, folder: str, blocks: str, files: List[int]
    ) -> Entry:
        """Make it ready for an application.

        Args:
            properties: The file of the application's properties.
            logging: Its log configuration.
            folder: The directory from which it names relative paths.
            blocks: Where it keeps what is temporary.
            files: Where it prints: two open files of this process.
        """
        system = self._jvm.java.lang.System
        given = self._jvm.java.util.Properties()
        reader = self._jvm.java.io.FileReader(properties)
        given.load(reader)
        reader.close()
        for name in list(given.stringPropertyNames()):
            if name.startswith("spark."):
                system.setProperty(name, given.getProperty(name).strip())
        system.setProperty("spark.app.submitTime", str(int(time.time() * 1000)))
        system.setProperty("user.dir", folder)
        # Not `spark.local.dir`, of which Spark says in the log that clusters ignore it.
        system.setProperty("java.io.tmpdir", blocks)
        self._print_to(*(self._open(file) for file in files))
        self._configure_log(logging)
        server = self._jvm.org.apache.spark.api.python.Py4JServer(
            self._jvm.org.apache.spark.SparkConf()
        )
        server.start()
        self._server = server
        return Entry(int(server.getListeningPort()), str(server.secret()))

    def end(self) -> None:
        """Stop the application, finish its files, and put everything back.

        Raises:
            Unclean: Not everything could be.
        """
        if self._server is not None:
            self._server.shutdown()
            self._server = None
        active = self._module("org.apache.spark.SparkContext$").getActive()
        if active.isDefined():
            active.get().stop()
        session = self._jvm.org.apache.spark.sql.SparkSession
        session.clearActiveSession()
        session.clearDefaultSession()
        self._await_tasks()
        self._configure_log(self._logging)
        self._print_to(*self._streams)
        for each in self._opened:
            each.close()
        self._opened = []
        unclean = self._jvm.java.lang.System.getProperty(UNCLEAN)
        if unclean:
            raise Unclean(str(unclean))
        self._jvm.java.lang.System.setProperties(self._properties.clone())
        self._jvm.java.util.TimeZone.setDefault(self._zone)
        self._jvm.java.util.Locale.setDefault(self._locale)
        self._jvm.org.apache.hadoop.fs.FileSystem.closeAll()
        self._module("org.apache.spark.util.Utils$").clearLocalRootDirs()

    def rest(self) -> None:
        """Give memory back.

        Raises:
            Unclean: It holds more than it may.
        """
        self._jvm.java.lang.System.gc()
        bound = int(self._jvm.java.lang.Runtime.getRuntime().maxMemory()) + ROOM
        held = resident(self.process.pid)
        if held > bound:
            raise Unclean(f"it holds {held >> 20} MB of {bound >> 20}")

    def _await_tasks(self) -> None:
        """Wait for tasks that were stopped: their code may still run, and may still print."""
        threads = self._jvm.java.lang.Thread

        def ended() -> bool:
            return _TASK_THREAD not in str(threads.getAllStackTraces().keySet().toString())

        if not until(ended, _TASKS_END_S):
            raise Unclean("a task of the application does not end")

    def _open(self, file: int) -> Any:
        path = f"/proc/{os.getpid()}/fd/{file}"
        java = self._jvm.java.io
        opened = java.PrintStream(java.FileOutputStream(path, True), True)
        self._opened.append(opened)
        return opened

    def _print_to(self, out: Any, err: Any) -> None:
        self._jvm.java.lang.System.setOut(out)
        self._jvm.java.lang.System.setErr(err)
        console = self._module("scala.Console$")
        console.setOutDirect(out)
        console.setErrDirect(err)

    def _configure_log(self, path: str) -> None:
        uri = self._jvm.java.io.File(path).toURI()
        self._jvm.org.apache.logging.log4j.core.config.Configurator.reconfigure(uri)

    def _module(self, name: str) -> Any:
        """A singleton of Scala."""
        found: Any = self._jvm
        for part in name.split("."):
            found = getattr(found, part)
        return getattr(found, "MODULE$")


def resident(process: int) -> int:
    """The bytes of memory that a process holds; 0 when it has ended."""
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def until(holds: Callable[[], bool], limit_s: float) -> bool:
    """Whether something holds within a time."""
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
