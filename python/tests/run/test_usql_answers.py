"""What U-SQL scripts answer, against SQLite on the same rows from a seed.

One script has every question, so that the program starts once. C#'s `==` takes null for equal to
null, which is `IS` in SQLite; what SQLite lacks is asked of it in longer words.
"""

from __future__ import annotations

import csv
import random
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

import pytest

Row = Tuple[Optional[str], ...]


class Question(NamedTuple):
    """A query in both languages."""

    usql: str
    sqlite: str


def same(query: str) -> Question:
    """A query over `@a` and `@b` that both languages write alike."""
    return Question(query, query.replace("@", ""))


def joined(kind: str) -> Question:
    return Question(
        "SELECT a.id AS i, a.k AS k, b.id AS j, b.w AS w"
        f" FROM @a AS a {kind} JOIN @b AS b ON a.k == b.k",
        f"SELECT a.id, a.k, b.id, b.w FROM a {kind} JOIN b ON a.k IS b.k",
    )


def windowed(function: str, order: str = "ORDER BY id") -> Question:
    return same(f"SELECT id, {function} OVER (PARTITION BY k {order}) AS x FROM @a")


COUNTED = "SELECT k, row_number() OVER (PARTITION BY k ORDER BY k) AS n FROM {}"

QUESTIONS: Dict[str, Question] = {
    "filter": Question(
        'SELECT id, v FROM @a WHERE v > 10 && k != "x"',
        "SELECT id, v FROM a WHERE coalesce(v > 10, 0) AND k IS NOT 'x'",
    ),
    "a comparison with null is false": Question(
        "SELECT id FROM @a WHERE !(v > 10)", "SELECT id FROM a WHERE NOT coalesce(v > 10, 0)"
    ),
    "null equals null": Question(
        "SELECT id FROM @a WHERE v == (int?) null", "SELECT id FROM a WHERE v IS NULL"
    ),
    "numbers with a point": Question(
        "SELECT id FROM @a WHERE d >= 2.5 && d != 4", "SELECT id FROM a WHERE d >= 2.5 AND d != 4"
    ),
    "conditional": Question(
        'SELECT id, v ?? -1 AS v, (k == "x" ? 1 : 2) AS c, id / 3 AS q, id % 7 AS r FROM @a',
        "SELECT id, coalesce(v, -1), CASE WHEN k IS 'x' THEN 1 ELSE 2 END, id / 3, id % 7 FROM a",
    ),
    "case": Question(
        "SELECT id, CASE WHEN id < 10 THEN 1 WHEN id < 20 THEN 2 ELSE 3 END AS c FROM @a",
        "SELECT id, CASE WHEN id < 10 THEN 1 WHEN id < 20 THEN 2 ELSE 3 END FROM a",
    ),
    "in, between and like": Question(
        'SELECT id FROM @b WHERE k IN ("x", "y") OR id BETWEEN 5 AND 9 OR k LIKE "z%"',
        "SELECT id FROM b WHERE k IN ('x', 'y') OR id BETWEEN 5 AND 9 OR k LIKE 'z%'",
    ),
    "texts": Question(
        'SELECT id, t.ToUpper() AS u, t.Substring(1, 2) AS s, t.IndexOf("b") AS i,'
        ' t.Replace("a", "-") AS r, t.Length AS n, t + "!" AS e FROM @b',
        "SELECT id, upper(t), substr(t, 2, 2), instr(t, 'b') - 1, replace(t, 'a', '-'),"
        " length(t), t || '!' FROM b",
    ),
    "groups": same(
        "SELECT k, COUNT(*) AS n, COUNT(v) AS c, SUM(v) AS s, MIN(v) AS low, MAX(v) AS high,"
        " AVG(d) AS mean, COUNT(DISTINCT v) AS u FROM @a GROUP BY k"
    ),
    "groups of two columns": same("SELECT k, v, COUNT(*) AS n FROM @a GROUP BY k, v"),
    "having": same("SELECT k, SUM(v) AS s FROM @a GROUP BY k HAVING COUNT(*) > 20"),
    "no groups": same("SELECT COUNT(*) AS n, SUM(v) AS s FROM @a WHERE id < 0"),
    "distinct": same("SELECT DISTINCT k, v FROM @a"),
    "inner join": joined("INNER"),
    "left join": joined("LEFT OUTER"),
    "right join": joined("RIGHT OUTER"),
    "full join": joined("FULL OUTER"),
    "cross join": same("SELECT a.id AS i, b.id AS j FROM @a AS a CROSS JOIN @b AS b"),
    "semi-join": Question(
        "SELECT a.id FROM @a AS a LEFT SEMIJOIN @b AS b ON a.k == b.k",
        "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE a.k IS b.k)",
    ),
    "anti-semi-join": Question(
        "SELECT a.id FROM @a AS a LEFT ANTISEMIJOIN @b AS b ON a.k == b.k",
        "SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE a.k IS b.k)",
    ),
    "join of a join": Question(
        "SELECT a.id, c.n FROM @a AS a INNER JOIN"
        " (SELECT k, COUNT(*) AS n FROM @b GROUP BY k) AS c ON a.k == c.k WHERE a.v > 30",
        "SELECT a.id, c.n FROM a INNER JOIN"
        " (SELECT k, COUNT(*) AS n FROM b GROUP BY k) AS c ON a.k IS c.k WHERE a.v > 30",
    ),
    "union": same("SELECT k FROM @a UNION SELECT k FROM @b"),
    "union all": same("SELECT k FROM @a UNION ALL SELECT k FROM @b"),
    "intersect": same("SELECT k FROM @a INTERSECT SELECT k FROM @b"),
    "except": same("SELECT k FROM @a EXCEPT SELECT k FROM @b"),
    "intersect all": Question(
        "SELECT k FROM @a INTERSECT ALL SELECT k FROM @b",
        "SELECT k FROM ({} INTERSECT {})".format(COUNTED.format("a"), COUNTED.format("b")),
    ),
    "except all": Question(
        "SELECT k FROM @a EXCEPT ALL SELECT k FROM @b",
        "SELECT k FROM ({} EXCEPT {})".format(COUNTED.format("a"), COUNTED.format("b")),
    ),
    "order and fetch": Question(
        "SELECT id, v FROM @a ORDER BY v DESC, id OFFSET 5 ROWS FETCH 10 ROWS",
        "SELECT id, v FROM a ORDER BY v DESC, id LIMIT 10 OFFSET 5",
    ),
    "nulls come first": Question(
        "SELECT id, v FROM @a ORDER BY v, id FETCH 8 ROWS",
        "SELECT id, v FROM a ORDER BY v, id LIMIT 8",
    ),
    "row number": windowed("ROW_NUMBER()", "ORDER BY v DESC, id"),
    "rank": windowed("RANK()", "ORDER BY v"),
    "dense rank": windowed("DENSE_RANK()", "ORDER BY v"),
    "tiles": windowed("NTILE(4)"),
    "percent rank": windowed("PERCENT_RANK()", "ORDER BY v"),
    "cumulative distribution": windowed("CUME_DIST()", "ORDER BY v"),
    "lag": windowed("LAG(v, 2)"),
    "lead": windowed("LEAD(v, 1)"),
    "first value": Question(
        "SELECT id, FIRST_VALUE(id) OVER (PARTITION BY k ORDER BY id) AS x FROM @a",
        "SELECT id, first_value(id) OVER (PARTITION BY k ORDER BY id ROWS UNBOUNDED PRECEDING)"
        " FROM a",
    ),
    "total": windowed("SUM(v)", ""),
    "running total": windowed("SUM(v)", "ORDER BY id ROWS UNBOUNDED PRECEDING"),
    "moving count": windowed("COUNT(v)", "ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING"),
    "pivot": Question(
        "SELECT * FROM (SELECT k, v FROM @a WHERE v < 3) AS s PIVOT (COUNT(v) FOR v IN (0 AS a,"
        " 1 AS b, 2 AS c)) AS p",
        "SELECT k, count(CASE v WHEN 0 THEN 1 END), count(CASE v WHEN 1 THEN 1 END),"
        " count(CASE v WHEN 2 THEN 1 END) FROM a WHERE v < 3 GROUP BY k",
    ),
    "explode": Question(
        "SELECT b.id, p.part FROM @b AS b CROSS APPLY"
        " EXPLODE (new SQL.ARRAY<string>(b.t.Split('b'))) AS p(part)",
        "WITH RECURSIVE cut(id, part, rest) AS (SELECT id, NULL, t || 'b' FROM b UNION ALL"
        " SELECT id, substr(rest, 1, instr(rest, 'b') - 1), substr(rest, instr(rest, 'b') + 1)"
        " FROM cut WHERE rest != '') SELECT id, part FROM cut WHERE part IS NOT NULL",
    ),
}


class Answers(NamedTuple):
    """What both programs say, by the name of the question."""

    usql: Dict[str, List[Row]]
    sqlite: Dict[str, List[Row]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    program = shutil.which("stepwell-usql")
    assert program, "stepwell-usql is not installed: pip install ./crates/usql"
    folder = tmp_path_factory.mktemp("usql")
    a, b = _rows()
    _write(folder / "a.csv", a)
    _write(folder / "b.csv", b)
    script = [
        '@a = EXTRACT id int, k string, v int?, d double FROM "/a.csv"'
        " USING Extractors.Csv(quoting: false);",
        '@b = EXTRACT id int, k string, w int?, t string FROM "/b.csv"'
        " USING Extractors.Csv(quoting: false);",
    ]
    for number, question in enumerate(QUESTIONS.values()):
        script.append(f"@q{number} = {question.usql};")
        script.append(
            f'OUTPUT @q{number} TO "/q{number}.csv" USING Outputters.Csv(quoting: false);'
        )
    (folder / "all.usql").write_text("\n".join(script))
    done = subprocess.run([program, "run", "all.usql"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    usql: Dict[str, List[Row]] = {}
    for number, name in enumerate(QUESTIONS):
        with open(folder / f"q{number}.csv", newline="") as lines:
            # A row of one null is an empty line.
            usql[name] = [tuple(row) or ("",) for row in csv.reader(lines)]
    return Answers(usql, _asked(a, b))


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_script_answers_as_sqlite_does(answers: Answers, name: str) -> None:
    ours, theirs = answers.usql[name], answers.sqlite[name]
    assert sorted(map(_plain, ours)) == sorted(map(_plain, theirs))
    assert ours, "the question has an answer"


def _rows() -> Tuple[List[Tuple[object, ...]], List[Tuple[object, ...]]]:
    draw = random.Random(13)
    keys = ["x", "y", "z", "zz", "only a", None]

    def maybe(most: int) -> Optional[int]:
        return None if draw.random() < 0.1 else draw.randrange(most)

    a = [(at, draw.choice(keys), maybe(60), draw.randrange(32) / 4) for at in range(160)]
    keys = ["x", "y", "zz", "only b", None]
    b = [
        (at, draw.choice(keys), maybe(9), "".join(draw.choices("abc", k=draw.randrange(3, 9))))
        for at in range(40)
    ]
    return a, b


def _write(path: Path, rows: List[Tuple[object, ...]]) -> None:
    text = (",".join("" if value is None else str(value) for value in row) for row in rows)
    path.write_text("".join(line + "\n" for line in text))


def _asked(a: List[Tuple[object, ...]], b: List[Tuple[object, ...]]) -> Dict[str, List[Row]]:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE a (id INTEGER, k TEXT, v INTEGER, d REAL)")
    database.execute("CREATE TABLE b (id INTEGER, k TEXT, w INTEGER, t TEXT)")
    database.executemany("INSERT INTO a VALUES (?, ?, ?, ?)", a)
    database.executemany("INSERT INTO b VALUES (?, ?, ?, ?)", b)
    asked: Dict[str, List[Row]] = {}
    for name, question in QUESTIONS.items():
        rows = database.execute(question.sqlite).fetchall()
        asked[name] = [
            tuple(None if field is None else str(field) for field in row) for row in rows
        ]
    return asked


def _plain(row: Row) -> Tuple[Tuple[float, str], ...]:
    """Numbers by their value, to nine digits; null as the empty text that a file has for it."""

    def plain(field: Optional[str]) -> Tuple[float, str]:
        try:
            return (round(float(field or ""), 9), "")
        except ValueError:
            return (0.0, field or "")

    return tuple(plain(field) for field in row)
