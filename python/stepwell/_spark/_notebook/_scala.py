"""Scala cells, by the compiler that Spark's own shell uses, in the JVM of the same application.

Scala and Python see the same session, so temporary views pass between them. Executors load the
classes of the cells from the folder `spark.repl.class.outputDir`, which the launcher sets.
`dbutils` of Scala has `widgets.get`, `notebook.exit` and `fs`.
"""

from __future__ import annotations

from typing import Any, Dict

from stepwell._spark._warm._jvm import UNCLEAN

# Bound values are Java's: py4j gives a Python dict as a `java.util.Map`.
_PRELUDE = """
import org.apache.spark.sql.functions._
@transient val sc = spark.sparkContext
@transient val sqlContext = spark.sqlContext
import spark.implicits._
class StepwellNotebookExit(val value: String) extends RuntimeException(value)
object dbutils extends Serializable {
  private def values = stepwellWidgets.asInstanceOf[java.util.Map[String, String]]
  object widgets {
    def get(name: String): String = Option(values.get(name)).getOrElse(
      throw new NoSuchElementException("no widget and no parameter is named `" + name + "`"))
    def text(name: String, value: String, label: String = ""): Unit =
      values.putIfAbsent(name, value)
    def dropdown(name: String, value: String, choices: Seq[String], label: String = ""): Unit =
      values.putIfAbsent(name, value)
    def removeAll(): Unit = ()
  }
  object notebook { def exit(value: String): Unit = throw new StepwellNotebookExit(value) }
  object fs {
    import org.apache.hadoop.fs.Path
    private def open(path: String) = {
      val at = new Path(path); (at, at.getFileSystem(spark.sparkContext.hadoopConfiguration))
    }
    def ls(path: String): Seq[String] = {
      val (at, system) = open(path); system.listStatus(at).map(_.getPath.toString).toSeq
    }
    def rm(path: String, recurse: Boolean = false): Boolean = {
      val (at, system) = open(path); system.delete(at, recurse)
    }
    def mkdirs(path: String): Boolean = { val (at, system) = open(path); system.mkdirs(at) }
  }
}
def display(value: Any): Unit = value match {
  case frame: org.apache.spark.sql.Dataset[_] => frame.show(20, false)
  case other => println(other)
}
def displayHTML(text: String): Unit = println(text)
"""
_EXIT = "StepwellNotebookExit: "


class ScalaFailed(Exception):
    """A Scala cell does not compile or threw; the text is the compiler's or the exception's."""


class ScalaExit(Exception):
    """`dbutils.notebook.exit` of Scala, with its value."""


class Scala(object):
    """A Scala interpreter beside the Python of a notebook."""

    def __init__(self, spark: Any, widgets: Dict[str, str]) -> None:
        """Start the compiler, which takes some seconds.

        Raises:
            ScalaFailed: This Spark has no compiler, or was started without a folder for classes.
        """
        self._jvm = spark._jvm
        folder = spark.conf.get("spark.repl.class.outputDir", "")
        if not folder:
            raise ScalaFailed(
                "Scala cells need Spark's setting `spark.repl.class.outputDir`, which it lacks"
            )
        # Scala runs in the JVM itself and may change anything there.
        self._jvm.java.lang.System.setProperty(UNCLEAN, "cells of Scala have run")
        self._text = self._jvm.java.io.StringWriter()
        self._printed = self._jvm.java.io.ByteArrayOutputStream()
        try:
            self._interpreter = self._start(folder)
        except TypeError as missing:  # py4j: a package is not callable
            raise ScalaFailed(
                "Scala cells need the Scala compiler among the jars of Spark; install pyspark from "
                "PyPI, which has it"
            ) from missing
        no_modifiers = getattr(getattr(self._jvm.scala.collection.immutable, "Nil$"), "MODULE$")
        java_map = self._jvm.java.util.HashMap()
        for name, value in widgets.items():
            java_map.put(name, value)
        self._bind("spark", "org.apache.spark.sql.SparkSession", spark._jsparkSession, no_modifiers)
        self._bind("stepwellWidgets", "Object", java_map, no_modifiers)
        self.run(_PRELUDE)

    def _start(self, folder: str) -> Any:
        settings = self._jvm.scala.tools.nsc.Settings()
        settings.processArgumentString(f"-usejavacp -Yrepl-class-based -Yrepl-outdir {folder}")
        writer = self._jvm.java.io.PrintWriter(self._text)
        interpreter = self._jvm.scala.tools.nsc.interpreter
        try:
            reporter = interpreter.shell.ReplReporterImpl(settings, writer)
            started = interpreter.IMain(settings, reporter)
        except TypeError:  # Scala 2.12 of Spark 3
            started = interpreter.IMain(settings, writer)
        started.initializeCompiler()
        thread = self._jvm.java.lang.Thread.currentThread()
        thread.setContextClassLoader(started.classLoader())
        return started

    def _bind(self, name: str, kind: str, value: Any, modifiers: Any) -> None:
        result = self._interpreter.bind(name, kind, value, modifiers).toString()
        if result != "Success":
            raise ScalaFailed(f"the Scala interpreter takes no `{name}`: {result}")

    def run(self, code: str) -> str:
        """Run a cell; gives what it prints and the values it defines.

        Raises:
            ScalaFailed: It does not compile, or threw.
            ScalaExit: It ended the notebook.
        """
        result = self._interpret(code)
        text = str(self._printed.toString("UTF-8")) + str(self._text.toString())
        self._printed.reset()
        self._text.getBuffer().setLength(0)
        if result == "Success":
            return text
        if _EXIT in text:
            raise ScalaExit(str(text).split(_EXIT, 1)[1].split("\n", 1)[0])
        if result == "Incomplete":
            raise ScalaFailed("the cell ends in the middle of an expression")
        raise ScalaFailed(text.strip())

    def _interpret(self, code: str) -> str:
        console = getattr(getattr(self._jvm.scala, "Console$"), "MODULE$")
        before = console.out()
        console.setOutDirect(self._jvm.java.io.PrintStream(self._printed, True, "UTF-8"))
        try:
            return str(self._interpreter.interpret(code, False).toString())
        finally:
            console.setOutDirect(before)
