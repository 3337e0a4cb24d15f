"""A hostile server names files so that they would be written outside of the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_server import serving

from azureml.core import Experiment, Run, Workspace
from stepwell import errors
from stepwell._names import below


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/x", "a//x", "./x", "", "a/", "a\0b"])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.StepwellError, match="leads outside"):
        below(str(tmp_path), name)


def test_a_name_that_stays_inside_is_joined(tmp_path: Path) -> None:
    for name in ("a", "a/b.txt", "a..b", "..a/b"):
        assert below(str(tmp_path), name) == str(tmp_path / name)


def test_files_of_a_run_stay_in_the_folder_whatever_the_server_says(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Experiment(Workspace.from_config(), "names").start_logging()
    run.complete()
    files = {"files": [{"name": "outputs/../../../evil", "size": 4}]}

    def answer(method: str, path: str, body: Any) -> Any:
        return 200, (files if path.split("?")[0].endswith("/files") else b"evil")

    with serving(answer) as server:
        monkeypatch.setattr(run._client, "_address", run._client._address._replace(token="t"))
        monkeypatch.setattr(run._client, "_transport", type(run._client._transport)(server.url))
        target = project / "a" / "b"
        for download in (
            run.download_files,
            lambda output_directory: all_logs(run, output_directory),
        ):
            with pytest.raises(errors.StepwellError, match="leads outside"):
                download(output_directory=str(target))
        assert not list(project.rglob("*evil*"))


def all_logs(run: Run, output_directory: str) -> None:
    run._log_names = lambda: ["../../../evil"]  # type: ignore[method-assign]
    run.get_all_logs(output_directory)
