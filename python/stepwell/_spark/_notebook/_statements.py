"""The statements of a cell: of SQL, of Python with Jupyter's line magics, of Scala with types.

Pure: text in, text out.
"""

from __future__ import annotations

import ast
import re
from typing import List, NamedTuple, Optional

_PIECES = re.compile(
    r"""(?P<line>--[^\n]*)|(?P<block>/\*.*?(?:\*/|\Z))|(?P<end>;)
    |(?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`)|(?P<other>.)""",
    re.S | re.X,
)


def sql_statements(text: str) -> List[str]:
    """Cut SQL at the semicolons that are not in a string, a name or a comment.

    >>> sql_statements("select ';' ; -- a; b\\nselect 2;")
    ["select ';'", '-- a; b\\nselect 2']
    """
    found: List[List[str]] = [[]]
    has_code = [False]
    for piece in _PIECES.finditer(text):
        if piece.lastgroup == "end":
            found.append([])
            has_code.append(False)
            continue
        found[-1].append(piece.group())
        if piece.lastgroup in ("quoted", "other") and piece.group().strip():
            has_code[-1] = True
    return ["".join(each).strip() for each, code in zip(found, has_code) if code]


def sql_parameters(text: str) -> List[str]:
    """The names of the `:name` markers of one statement, each once.

    >>> sql_parameters("select * from t where a = :a and b = ':b' and c::int = 1")
    ['a']
    """
    code = "".join(
        " " if piece.lastgroup in ("quoted", "line", "block") else piece.group()
        for piece in _PIECES.finditer(text)
    )
    return list(dict.fromkeys(re.findall(r"(?<![:\w]):([A-Za-z_]\w*)", code)))


class Part(NamedTuple):
    """A part of a Python cell."""

    magic: Optional[str]
    """The line of a magic or a shell command, with its `%` or `!`; `None` for Python."""
    code: str
    """The Python, with as many lines before it as in the cell."""


def python_parts(text: str) -> List[Part]:
    """Cut a Python cell at its line magics (`%pip …`, `!ls`).

    A line that begins with `%` inside an open bracket or string is Python.

    >>> [part.magic for part in python_parts("%pip install a\\nx = 1")]
    ['%pip install a', None]
    """
    if _parses(text):
        return [Part(None, text)]
    lines = text.split("\n")
    parts: List[Part] = []
    begin = index = 0
    while index < len(lines):
        above = _at_line(lines, begin, index)
        if not re.match(r"[%!]\S", lines[index]) or not _parses(above):
            index += 1
            continue
        magic = lines[index]
        while magic.endswith("\\") and index + 1 < len(lines):
            index += 1
            magic = magic[:-1] + " " + lines[index].strip()
        if above.strip():
            parts.append(Part(None, above))
        parts.append(Part(magic.rstrip(), ""))
        index += 1
        begin = index
    rest = _at_line(lines, begin, len(lines))
    return parts + [Part(None, rest)] if rest.strip() or not parts else parts


def _at_line(lines: List[str], begin: int, end: int) -> str:
    """The lines of a range, moved to where they are in the cell, so that tracebacks are right."""
    return "\n" * begin + "\n".join(lines[begin:end])


def _parses(text: str) -> bool:
    try:
        compile(text, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return False
    return True


_SCALA_TYPE = re.compile(
    r"(?:(?:case|sealed|abstract|final|private|protected|implicit)\s+)*(?:class|trait|object)\s+\w"
)
_SCALA_PIECES = re.compile(
    r'"""(?:.|\n)*?"""|"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*(?:.|\n)*?\*/|\'(?:[^\'\\]|\\.)\'|[(\[{]|[)\]}]'
)


def scala_parts(text: str) -> List[str]:
    """Cut a Scala cell before and after its types, which stay together as companions are.

    Spark makes objects of a type only when the code that defines it has run to its end, so a cell
    that defines a type and uses it is run in parts.

    >>> scala_parts("val a = 1\\ncase class B(n: Int)\\nobject B {\\n}\\nB(a)\\n  .n")
    ['val a = 1', 'case class B(n: Int)\\nobject B {\\n}', 'B(a)\\n  .n']
    """
    parts: List[List[str]] = []
    in_type, depth_before = False, 0
    for line, depth_after in zip(text.split("\n"), _scala_depths(text)):
        top = depth_before == 0 and line[:1] not in ("", " ", "\t", "{", "}", ")")
        is_type = bool(_SCALA_TYPE.match(line)) if top and not line.startswith("//") else in_type
        if not parts or is_type != in_type:
            parts.append([])
        parts[-1].append(line)
        in_type, depth_before = is_type, depth_after
    return [part for part in ("\n".join(lines).strip("\n") for lines in parts) if part.strip()]


def _scala_depths(text: str) -> List[int]:
    """How many brackets are open at the end of each line."""
    depths = []
    depth = 0
    # A text or a remark over several lines keeps its lines in one piece.
    masked = _SCALA_PIECES.sub(
        lambda found: (
            found.group()
            if found.group() in "()[]{}"
            else "{" + "\n" * found.group().count("\n") + "}"
        ),
        text,
    )
    for line in masked.split("\n"):
        depth += sum(line.count(each) for each in "([{") - sum(line.count(each) for each in ")]}")
        depths.append(depth)
    return depths
