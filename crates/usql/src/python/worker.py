"""Runs `usqlml_main` of a U-SQL script on one group of rows after the other.

The first line of the input says what to run, every other is a group, column by column; each is
answered by one line. What the script prints goes to the log.
"""

import decimal
import json
import math
import os
import sys
import traceback

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
groups = os.fdopen(os.dup(0), encoding="utf-8")
os.dup2(2, 1)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

SCRIPT = "pyScript"
KINDS = {"float": "float64", "double": "float64", "bool": "bool", "ulong": "uint64"}
WITH_NULL = {"float64": "float64", "bool": "boolean", "uint64": "UInt64", "int64": "Int64"}


def answer(what):
    answers.write(json.dumps(what) + "\n")
    answers.flush()


def fail(error):
    """Says what was raised, and in which line of the script."""
    traceback.print_exc()
    lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == SCRIPT]
    if isinstance(error, SyntaxError) and error.filename == SCRIPT:
        lines.append(error.lineno)
    where = "line {} of the Python script: ".format(lines[-1]) if lines else ""
    answer({"error": "{}{}: {}".format(where, type(error).__name__, error)})


def series(values, kind):
    if kind == "string":
        return pandas.Series(values, dtype="object")
    if kind == "decimal":
        numbers = [None if value is None else decimal.Decimal(value) for value in values]
        return pandas.Series(numbers, dtype="object")
    dtype = KINDS.get(kind, "int64")
    if dtype == "float64":
        return pandas.Series([math.nan if value is None else float(value) for value in values], dtype=dtype)
    if None in values:
        dtype = WITH_NULL[dtype]
    return pandas.Series(values, dtype=dtype)


def plain(value):
    """A value as JSON has it; what pandas takes for missing is null."""
    if value is None or value is pandas.NaT or value is getattr(pandas, "NA", None):
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, (bool, int, str)):
        return value
    return str(value)


def reduced(main, columns, values, produced):
    named = {name: series(each, kind) for (name, kind), each in zip(columns, values)}
    frame = pandas.DataFrame(named, columns=[name for name, _ in columns])
    result = main(frame)
    if not isinstance(result, pandas.DataFrame):
        raise TypeError("usqlml_main returned {}, and no DataFrame".format(type(result).__name__))
    for name in produced:
        if name not in result.columns:
            raise KeyError("the result has no column {}, which PRODUCE names".format(name))
    return [[plain(value) for value in result[name]] for name in produced]


try:
    asked = json.loads(groups.readline())
    import pandas

    scope = {"__name__": "usqlml"}
    exec(compile(asked["script"], SCRIPT, "exec"), scope)
    if not callable(scope.get("usqlml_main")):
        raise NameError("the Python script has no function usqlml_main(df)")
    for group in groups:
        rows = reduced(scope["usqlml_main"], asked["columns"], json.loads(group), asked["produced"])
        answer({"columns": rows})
except ImportError as error:
    if error.name == "pandas":
        answer({"error": "{} has no pandas, which Python extensions need".format(sys.executable)})
    else:
        fail(error)
except Exception as error:
    fail(error)
