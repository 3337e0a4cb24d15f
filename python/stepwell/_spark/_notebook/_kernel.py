"""Runs the cells of one notebook in order.

One kernel has one namespace and one set of widgets. `%run` runs another notebook in the same
kernel; `dbutils.notebook.run` in a kernel of its own. The first cell that fails ends the notebook.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import linecache
import os
import re
import shlex
import sys
import time
import types
from typing import Any, Callable, Dict, List, Mapping, Optional

from stepwell._spark._notebook import _display, _shell, _sql
from stepwell._spark._notebook._application import Application
from stepwell._spark._notebook._dbutils import (
    DBUtils,
    NotebookExit,
    NotebookUtilities,
    RestartPython,
    TaskValues,
)
from stepwell._spark._notebook._failed import CellFailed
from stepwell._spark._notebook._outputs import Sink
from stepwell._spark._notebook._source import Cell, Notebook, read
from stepwell._spark._notebook._statements import python_parts, scala_parts
from stepwell._spark._notebook._widgets import Widgets

IGNORED_MAGICS = ("matplotlib", "config", "load_ext", "reload_ext", "autoreload", "lsmagic")
NESTED_MAX = 20


class Kernel(object):
    """A namespace in which cells run."""

    def __init__(
        self, application: Application, path: str, given: Mapping[str, str], spark: Any
    ) -> None:
        self._application = application
        self._path = path
        self._spark = spark
        self.widgets = Widgets(given)
        self._depth = 0
        self._scala: Any = None
        self._modules = frozenset(sys.modules)
        self.module = types.ModuleType("__main__")
        self._dbutils = DBUtils(
            self.widgets,
            application.fs,
            NotebookUtilities(self._run_apart, application.context(path)),
            application.secret_store,
            TaskValues(application.values_folder, application.step),
        )
        self._define()

    def run(self, notebook: Notebook, each: Optional[Callable[[Cell, Sink], None]] = None) -> str:
        """Run a notebook; gives its exit value. `each` is called when a cell begins and ends.

        Raises:
            CellFailed: Naming the cell.
        """
        try:
            self._cells(notebook, each)
        except NotebookExit as left:
            return left.value
        return ""

    def _cells(self, notebook: Notebook, each: Optional[Callable[[Cell, Sink], None]]) -> None:
        streams = self._application.streams
        folder = os.path.dirname(os.path.abspath(notebook.path))
        if folder not in sys.path:
            sys.path.insert(0, folder)
        for cell in notebook.cells:
            if cell.language == "markdown":
                continue
            sink = Sink(streams.secrets)
            if each:
                each(cell, sink)
            # Of a notebook that `%run` runs, what is put out belongs to the cell with the `%run`.
            before = streams.sink
            streams.enter(sink if each else before)
            filename = f"<{os.path.basename(notebook.path)} cell {cell.number}>"
            try:
                self._cell(cell, filename, notebook)
            except RestartPython:
                self._restart()
            except (NotebookExit, CellFailed, KeyboardInterrupt):
                raise
            except BaseException as error:  # also `sys.exit` of a cell
                failed = CellFailed(notebook, cell, error, filename)
                sink.error(failed.kind, failed.message, failed.traceback)
                raise failed from error
            finally:
                streams.enter(before)
                if each:
                    each(cell, sink)

    def _cell(self, cell: Cell, filename: str, notebook: Notebook) -> None:
        if cell.language == "python":
            self._python(cell, filename, notebook)
        elif cell.language == "sql":
            frame = _sql.run(self._spark, cell.text, self.widgets)
            if frame is not None:
                self.module.__dict__["_sqldf"] = frame
                if frame.columns:
                    self.display(frame)
        elif cell.language == "scala":
            self._run_scala(cell.text)
        elif cell.language == "sh":
            fail = re.match(r"\s*-e\b", cell.text)
            _shell.shell(cell.text[fail.end() :] if fail else cell.text, bool(fail))
        elif cell.language == "fs":
            for line in cell.text.splitlines():
                if line.strip() and not line.strip().startswith("#"):
                    self._fs(line)
        else:
            raise ValueError(
                "cells of R are not supported: Spark's R package is not there. Rewrite the cell in "
                "Python or SQL, or run the step on a compute target of a Databricks workspace"
            )

    def _python(self, cell: Cell, filename: str, notebook: Notebook) -> None:
        lines = [line + "\n" for line in cell.text.split("\n")]
        linecache.cache[filename] = (len(cell.text), None, lines, filename)
        for part in python_parts(cell.text):
            if part.magic is None:
                self._execute(part.code, filename)
            else:
                self._magic(part.magic, filename, notebook)
        sink = self._application.streams.sink
        for figure in _display.open_figures():
            if sink is not None:
                sink.show({"image/png": figure, "text/plain": "a figure"})

    def _execute(self, code: str, filename: str) -> None:
        """Run Python; the value of a last expression is shown."""
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(code, filename, "exec", flags | ast.PyCF_ONLY_AST)
        assert isinstance(tree, ast.Module)
        last: Optional[ast.Expression] = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
            last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
        if tree.body:
            self._evaluate(compile(tree, filename, "exec", flags))
        if last is not None:
            value = self._evaluate(compile(last, filename, "eval", flags))
            if value is not None:
                self.module.__dict__["_"] = value
                # Like Databricks: a frame as an expression prints its columns and computes nothing.
                self.display(repr(value) if _display.is_frame(value) else value, plain=True)

    def _evaluate(self, code: types.CodeType) -> Any:
        value = eval(code, self.module.__dict__)
        if code.co_flags & inspect.CO_COROUTINE:
            return asyncio.run(value)
        return value

    def display(self, value: Any = None, *args: Any, plain: bool = False, **kwargs: Any) -> None:
        """Show a value in the notebook and, as text, in the log."""
        if plain and isinstance(value, str):
            data, text = {"text/plain": value}, value
        else:
            data, text = _display.shown(value)
        streams = self._application.streams
        streams.log(text + "\n")
        if streams.sink is not None:
            streams.sink.show(data)

    def display_html(self, text: Any) -> None:
        """Show HTML in the notebook."""
        streams = self._application.streams
        streams.log(f"[HTML of {len(str(text))} characters; it is in the notebook]\n")
        if streams.sink is not None:
            streams.sink.show({"text/html": str(text), "text/plain": "HTML"})

    def _define(self) -> None:
        """Make the names that every notebook finds."""
        space = self.module.__dict__
        space.clear()
        spark = self._spark
        space.update(
            __name__="__main__",
            __builtins__=builtins,
            __file__=os.path.abspath(self._path),
            spark=spark,
            sc=spark.sparkContext,
            sqlContext=self._application.sql_context(spark),
            sql=spark.sql,
            table=spark.table,
            dbutils=self._dbutils,
            display=self.display,
            displayHTML=self.display_html,
            getArgument=self.widgets.getArgument,
        )

    def _restart(self) -> None:
        _shell.forget_modules(self._modules)
        self._define()

    def _magic(self, line: str, filename: str, notebook: Notebook) -> None:
        if line.startswith("!"):
            _shell.shell(line[1:], False)
            return
        name, _, rest = line.lstrip("%").partition(" ")
        rest = rest.strip()
        if name == "pip":
            _shell.pip(rest, self._application.site)
        elif name == "run":
            self._include(rest, notebook)
        elif name in ("restart_python", "python_restart"):
            raise RestartPython()
        elif name in ("sh", "system"):
            _shell.shell(rest, False)
        elif name == "fs":
            self._fs(rest)
        elif name == "time":
            begin = time.perf_counter()
            self._execute(rest, filename)
            print(f"Wall time: {time.perf_counter() - begin:.3g} s")
        elif name == "env":
            variable, _, value = rest.replace(" ", "=", 1).partition("=")
            os.environ[variable] = value
        elif name == "cd":
            os.chdir(os.path.expanduser(rest))
        elif name not in IGNORED_MAGICS:
            raise ValueError(f"the magic `%{name}` is not supported")

    def _include(self, rest: str, notebook: Notebook) -> None:
        """`%run path $name="value"`: the cells of another notebook, in this namespace."""
        words = shlex.split(rest)
        if not words:
            raise ValueError("`%run` needs the path of a notebook")
        if self._depth >= NESTED_MAX:
            raise RecursionError(f"`%run` is nested more than {NESTED_MAX} deep")
        for word in words[1:]:
            name, _, value = word.lstrip("$").partition("=")
            self.widgets.give(name, value)
        found = self._application.find(words[0], os.path.dirname(notebook.path))
        self._depth += 1
        try:
            self._cells(read(found), None)
        finally:
            self._depth -= 1

    def _run_apart(self, path: str, timeout_s: float, given: Dict[str, str]) -> str:
        found = self._application.find(path, os.path.dirname(self._path))
        return self._application.run_apart(found, timeout_s, given)

    def _fs(self, line: str) -> None:
        """One line of `%fs`: a method of `dbutils.fs` with its arguments."""
        words = shlex.split(line)
        method = getattr(self._application.fs, words[0], None) if words else None
        if method is None or words[0].startswith("_"):
            raise ValueError(f"`%fs {line.strip()}` is not a command of dbutils.fs")
        arguments: List[Any] = []
        options: Dict[str, Any] = {}
        for word in words[1:]:
            if word in ("-r", "--recurse", "recurse=true", "--recurse=true", "True", "true"):
                options["recurse"] = True
            elif word in ("overwrite=true", "--overwrite"):
                options["overwrite"] = True
            else:
                arguments.append(word)
        result = method(*arguments, **options)
        if isinstance(result, str):
            print(result)
        else:
            self.display(result)

    def _run_scala(self, text: str) -> None:
        from stepwell._spark._notebook._scala import Scala, ScalaExit

        if self._scala is None:
            self._scala = Scala(self._spark, self.widgets.getAll())
        try:
            for part in scala_parts(text):
                sys.stdout.write(self._scala.run(part))
        except ScalaExit as left:
            raise NotebookExit(str(left)) from None
