"""Notebooks are read as people keep them; nothing is executed."""

from __future__ import annotations

import json
from typing import List, Tuple

import pytest

from stepwell._spark._notebook import _source, _statements


def cells(path: str, text: str) -> List[Tuple[str, str]]:
    return [(cell.language, cell.text) for cell in _source.parse(path, text).cells]


PYTHON = """\
# Databricks notebook source
# MAGIC %md
# MAGIC # A title
# MAGIC
# MAGIC text

# COMMAND ----------

# DBTITLE 1,Load
df = spark.range(3)  # MAGIC in the middle is no magic

# COMMAND ----------

# MAGIC %sql
# MAGIC select 1;
# MAGIC -- a remark

# COMMAND ----------

# MAGIC %run ./other $x="1"

# COMMAND ----------


# COMMAND ----------

# MAGIC %sh -e
# MAGIC ls

# COMMAND ----------

# MAGIC %fs ls /tmp

# COMMAND ----------

# MAGIC %scala val x = 1
"""


def test_a_python_source_is_cut_into_cells_of_its_languages() -> None:
    assert cells("a.py", PYTHON) == [
        ("markdown", "# A title\n\ntext"),
        ("python", "df = spark.range(3)  # MAGIC in the middle is no magic"),
        ("sql", "select 1;\n-- a remark"),
        ("python", '%run ./other $x="1"'),
        ("sh", "-e\nls"),
        ("fs", "ls /tmp"),
        ("scala", "val x = 1"),
    ]


def test_titles_and_lines_of_the_file_are_known() -> None:
    loaded = _source.parse("a.py", PYTHON).cells[1]
    assert (loaded.number, loaded.title, loaded.line) == (2, "Load", 10)
    assert PYTHON.split("\n")[loaded.line - 1] == loaded.text.split("\n")[0]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "a.sql",
            "-- Databricks notebook source\nselect 1\n\n-- COMMAND ----------\n\n"
            "-- MAGIC %python\n-- MAGIC x = 1\n",
            [("sql", "select 1"), ("python", "x = 1")],
        ),
        (
            "a.scala",
            "// Databricks notebook source\nval x = 1\n// COMMAND ----------\n// MAGIC %md hello\n",
            [("scala", "val x = 1"), ("markdown", "hello")],
        ),
        ("a.r", "# Databricks notebook source\nx <- 1\n", [("r", "x <- 1")]),
        (
            "plain.py",
            "x = 1\n# COMMAND ----------\ny = 2\n",
            [("python", "x = 1\n# COMMAND ----------\ny = 2")],
        ),
    ],
)
def test_each_language_has_its_own_comments(
    path: str, text: str, expected: List[Tuple[str, str]]
) -> None:
    assert cells(path, text) == expected


def test_a_remark_above_a_magic_belongs_to_nobody() -> None:
    text = "# Databricks notebook source\n# why\n# MAGIC %pip install a\n# MAGIC %restart_python\n"
    assert cells("a.py", text) == [("python", "%pip install a\n%restart_python")]


def test_a_jupyter_notebook_is_read_with_the_language_that_it_names() -> None:
    document = {
        "nbformat": 4,
        "metadata": {"application/vnd.databricks.v1+notebook": {"language": "sql"}},
        "cells": [
            {"cell_type": "markdown", "source": ["# T\n", "x"]},
            {"cell_type": "code", "source": "select 1"},
            {"cell_type": "code", "source": ["%python\n", "x = 1"]},
            {
                "cell_type": "code",
                "source": [],
                "metadata": {"application/vnd.databricks.v1+cell": {"title": "Empty"}},
            },
        ],
    }
    notebook = _source.parse("a.ipynb", json.dumps(document))
    assert [(cell.language, cell.text) for cell in notebook.cells] == [
        ("markdown", "# T\nx"),
        ("sql", "select 1"),
        ("python", "x = 1"),
        ("sql", ""),
    ]
    assert notebook.cells[3].title == "Empty"


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("a.ipynb", "{", "is not a notebook of Jupyter's format 4"),
        ("a.ipynb", '{"worksheets": []}', "is not a notebook of Jupyter's format 4"),
        ("a.txt", "", "ends in none of .py"),
    ],
)
def test_what_is_no_notebook_is_refused(path: str, text: str, says: str) -> None:
    with pytest.raises(_source.Unreadable, match=says):
        _source.parse(path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\ny = 2", [None]),
        ("%pip install a\n%pip install b\nx = 1", ["%pip install a", "%pip install b", None]),
        ("!ls\n", ["!ls"]),
        ("%pip install a \\\n  b", ["%pip install a  b"]),
        ('q = """\n%not a magic\n"""\nx = 1', [None]),
        ('q = """\n%not a magic\n"""\n%time x = 1', [None, "%time x = 1"]),
    ],
)
def test_line_magics_are_told_from_python(text: str, expected: List[object]) -> None:
    assert [part.magic for part in _statements.python_parts(text)] == expected


def test_python_after_a_magic_keeps_its_line_numbers() -> None:
    parts = _statements.python_parts("%pip install a\n\nx = 1\nraise ValueError")
    assert parts[-1].code.split("\n").index("x = 1") == 2


def test_sql_is_cut_at_semicolons_outside_of_texts_and_remarks() -> None:
    text = (
        "select ';', \"a;b\", `c;d` -- e;f\n; "
        "/* g;h */ select 'it''s; fine';\n;\n-- only a remark\n"
    )
    assert _statements.sql_statements(text) == [
        "select ';', \"a;b\", `c;d` -- e;f",
        "/* g;h */ select 'it''s; fine'",
    ]


def test_the_examples_in_the_docstrings_hold() -> None:
    import doctest
    import importlib
    import pkgutil

    import stepwell._spark as package

    tried = 0
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(("__main__", "_app")):  # those are programs
            result = doctest.testmod(importlib.import_module(module.name))
            assert result.failed == 0, module.name
            tried += result.attempted
    assert tried >= 9
