"""A query of a Kusto cluster by its REST interface.

Source: "Query/management HTTP request" and "Query V2 HTTP response" in the documentation of Kusto.
A query reads only, so it is sent again when an answer was lost. The token is in no text.
"""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple

from stepwell._transport import Lost, NotSent, Request, Response, Transport, Untrusted

PATH = "/v2/rest/query"
TRIES = 6
TIMEOUT_S = 600.0  # a cluster's own limit is four minutes unless the request says otherwise
_AGAIN = (429, 500, 502, 503, 504)


class Refused(Exception):
    """The cluster gives no result; the text says why."""


class Table(NamedTuple):
    """The result of a query."""

    columns: List[str]
    rows: List[List[Any]]


def query(
    cluster: str,
    database: str,
    text: str,
    parameters: Mapping[str, Any],
    token: str,
    wait: Callable[[float], None] = time.sleep,
) -> Table:
    """Send a query, and send it again when the cluster is busy.

    Args:
        cluster: The address of the cluster.
        database: The database.
        text: The query.
        parameters: The values of its parameters.
        token: An access token.
        wait: Sleeps.

    Raises:
        Refused: There is no result.
    """
    body = {
        "db": database,
        "csl": text,
        "properties": {"Parameters": {name: literal(value) for name, value in parameters.items()}},
    }
    transport = Transport(cluster)
    headers = {
        "Authorization": "Bearer " + token,
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "application/json",
        "x-ms-app": "stepwell",
    }
    sent = json.dumps(body).encode("utf-8")
    said = ""
    for attempt in range(TRIES):
        pause = 2.0**attempt
        try:
            response = transport.send(Request("POST", PATH, headers, sent, TIMEOUT_S))
        except Untrusted as error:
            raise Refused(str(error)) from None
        except (NotSent, Lost) as error:
            said = str(error)
        else:
            if response.status not in _AGAIN:
                return _result(response)
            said = f"it answered {response.status}"
            asked = response.headers.get("retry-after", "")
            pause = float(asked) if asked.isdigit() else pause
        if attempt + 1 < TRIES:
            wait(pause)
    raise Refused(f"the cluster {cluster} gives no answer: {said}")


def literal(value: Any) -> str:
    """A value as KQL writes it.

    >>> [literal(each) for each in (1, 2.5, True, 'a "b"', None, [1])]
    ['1', '2.5', 'true', '"a \\\\"b\\\\""', 'dynamic(null)', 'dynamic([1])']
    """
    if isinstance(value, (str, bool, int, float)):
        return json.dumps(value, ensure_ascii=False)
    return f"dynamic({json.dumps(value, ensure_ascii=False)})"


def _result(response: Response) -> Table:
    if response.status in (401, 403):
        raise Refused("the cluster does not accept the token: it may have expired")
    try:
        answer = json.loads(response.body.decode("utf-8"))
    except ValueError:
        answer = None
    if response.status != 200:
        raise Refused("the cluster refuses the query: " + _words(answer, response.status))
    if not isinstance(answer, list):
        raise Refused("the cluster speaks another language than that of Kusto")
    tables = [each for each in answer if each.get("FrameType") == "DataTable"]
    end = [each for each in answer if each.get("FrameType") == "DataSetCompletion"]
    if any(each.get("HasErrors") or each.get("Cancelled") for each in end):
        errors = [error for each in end for error in each.get("OneApiErrors") or [None]]
        raise Refused("the query failed: " + _words(errors[0], 200))
    for each in tables:
        if each.get("TableKind") == "PrimaryResult":
            return _table(each)
    raise Refused("the query gives no table")


def _table(frame: Dict[str, Any]) -> Table:
    """The rows of a table; one that holds an error instead of values is refused."""
    for row in frame["Rows"]:
        if isinstance(row, dict):
            errors = row.get("OneApiErrors") or row.get("Exceptions") or [None]
            raise Refused("the query failed: " + _words(errors[0], 200))
    return Table([column["ColumnName"] for column in frame["Columns"]], frame["Rows"])


def _words(answer: Any, status: int) -> str:
    """What an error says, in the places where the documentation has it."""
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    if isinstance(error, dict):
        said = error.get("@message") or error.get("message")
        if said:
            return str(said)
    return str(error) if isinstance(error, str) else f"it answered {status}"
