"""A script that no server started runs all the same, and says what it would have logged."""

from __future__ import annotations

import pytest

from azureml.core.run import Run
from azureml.exceptions import RunEnvironmentException, UserErrorException


@pytest.fixture(autouse=True)
def _outside_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZUREML_RUN_ID", raising=False)


def test_logging_prints_and_keeps_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run.get_context()
    with run:
        run.log("accuracy", 0.75)
        run.log_row("row", x=1)
    assert run.id.startswith("OfflineRun_")
    assert capsys.readouterr().out == (
        "Attempted to log scalar metric accuracy:\n0.75\n"
        "Attempted to log row metric row:\n{'x': 1}\n"
    )
    assert run is Run.get_context()


@pytest.mark.parametrize("name", ["experiment", "parent", "input_datasets", "get_metrics"])
def test_what_only_a_server_knows_is_not_there(name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(Run.get_context(), name)


def test_a_script_that_insists_on_a_run_is_told_what_is_missing() -> None:
    with pytest.raises(RunEnvironmentException) as caught:
        Run.get_context(allow_offline=False)
    assert "AZUREML_RUN_ID" in str(caught.value)


@pytest.mark.parametrize("value", [[1], range(3), (n for n in "ab"), {1, 2}])
def test_log_refuses_what_is_not_one_value(value: object) -> None:
    from azureml.core.experiment import Experiment
    from azureml.core.workspace import Workspace

    run = Run(Experiment(Workspace("s", "g", "w"), "e"), "r")
    with pytest.raises(UserErrorException, match="`m`"):
        run.log("m", value)
