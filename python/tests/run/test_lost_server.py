"""The server is killed while programs use it: they find it again, and nothing is missing."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import programs
import pytest

from azureml.core import Experiment, Workspace


def _kill_server() -> Any:
    """Kill the server as a power cut would; returns its client."""
    client = Workspace.from_config()._client
    os.kill(client.get("/workspace")["pid"], signal.SIGKILL)
    return client


def test_the_next_call_starts_a_server_that_knows_everything(project: Path) -> None:
    run = Experiment(Workspace.from_config(), project.name).start_logging()
    run.log("before", 1)
    run.flush()
    _kill_server()
    run.log("after", 2)
    run.complete()
    assert run.get_metrics() == {"before": 1, "after": 2}
    assert run.get_status() == "Completed"


def test_a_wait_goes_on_through_the_loss_and_shows_every_line_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = project / "gate"
    run = programs.submit(
        project,
        f"""
        import pathlib, time
        print('first', flush=True)
        gate, deadline = pathlib.Path({str(gate)!r}), time.monotonic() + 60
        while not gate.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        run.log('late', 7)
        print('second', flush=True)
        """,
    )
    next(line for line in _lines(run) if line == "first")
    _kill_server()
    gate.write_text("")
    assert run.wait_for_completion(show_output=True)["status"] == "Completed"
    shown = capsys.readouterr().out
    assert shown.count("first\n") == 1 and shown.count("second\n") == 1
    assert run.get_metrics() == {"late": 7}


def _lines(run: Any) -> Any:
    from stepwell import _follow

    return _follow.tail(run._client, run.id)
