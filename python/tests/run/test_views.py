"""How a run looks as a table and in a notebook."""

from __future__ import annotations

import sys
import types
from typing import Any, Dict, List, Optional

import pytest

from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import UserErrorException
from azureml.widgets import RunDetails, _html, _table, _view, run_details

ROWS = [
    _view.Row("prepare", "Completed", 0.42, "http://h/runs/1", ""),
    _view.Row("<train>", "Failed", 75.0, "http://h/runs/2", "the script exited with status 1"),
    _view.Row("compare", "Canceled", None, "http://h/runs/3", ""),
]
VIEW = _view.View("churn", "r", "Failed", 3725.0, "http://h/runs/r", "a step failed", ROWS, 2, None)


def test_a_table_has_a_line_for_each_step() -> None:
    assert _table.drawn(VIEW) == "\n".join(
        [
            "churn  Failed  1 h 2 min",
            "http://h/runs/r",
            "  prepare  Completed       0.4 s",
            "  <train>  Failed     1 min 15 s  the script exited with status 1",
            "  compare  Canceled",
            "  … and 2 more",
        ]
    )


def test_html_names_states_in_words_and_escapes_what_users_wrote() -> None:
    page = _html.page(VIEW._replace(picture="<svg></svg>"))
    assert "<svg></svg>" in page and "● Failed" in page
    assert "&lt;train&gt;" in page and "<train>" not in page


class _Client:
    """A server whose run is over at the second look."""

    url, token = "http://h", ""

    def ticket(self) -> str:
        return "t"

    def __init__(self) -> None:
        self.looks = 0

    def get(self, path: str) -> Dict[str, Any]:
        self.looks += 1
        status = "Running" if self.looks == 1 else "Completed"
        keys: Dict[str, Optional[str]] = dict.fromkeys(["started_at", "ended_at", "error"])
        return {**keys, "display_name": "p", "status": status, "kind": "pipeline"}

    def pages(self, path: str, key: str, **query: Any) -> List[Any]:
        return []

    def read(self, path: str) -> Any:
        return types.SimpleNamespace(body=b"<svg>%d</svg>" % self.looks)


def test_a_notebook_shows_the_run_at_once_and_keeps_it_up_to_date(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: List[str] = []
    handle = types.SimpleNamespace(update=shown.append)
    ipython: Any = types.ModuleType("IPython")
    ipython.get_ipython = lambda: object()
    display: Any = types.ModuleType("IPython.display")
    display.HTML = str
    display.display = lambda page, display_id: (shown.append(page), handle)[1]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(run_details, "REFRESH_S", 0.01)
    workspace = Workspace("s", "g", "w")
    workspace._connection = _Client()  # type: ignore[assignment]
    details = RunDetails(Run(Experiment(workspace, "e"), "r"))
    details.show()
    assert "● Running" in shown[0] and "<svg>1</svg>" in shown[0]
    details._keep_html(handle)  # what its thread does, to the end
    assert "● Completed" in shown[-1]


def test_only_runs_have_details() -> None:
    with pytest.raises(UserErrorException, match="not a str"):
        RunDetails("r")  # type: ignore[arg-type]
