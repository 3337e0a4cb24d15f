"""Where `Workspace.from_config` looks, and what it says when it finds nonsense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from azureml.core.authentication import ServicePrincipalAuthentication
from azureml.core.workspace import Workspace
from azureml.exceptions import AzureMLException, UserErrorException

NAMES = {"subscription_id": "s", "resource_group": "g", "workspace_name": "churn"}


def _write(path: Path, content: object = NAMES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("place", [".azureml/config.json", "config.json", "aml_config/config.json"])
def test_the_names_are_found_upwards_in_every_place(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / place)
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    workspace = Workspace.from_config()
    assert (workspace.name, workspace.resource_group) == ("churn", "g")
    assert Workspace.from_config(str(tmp_path)).subscription_id == "s"
    assert Workspace.from_config(str(tmp_path / place)).name == "churn"


def test_what_write_config_wrote_is_found(tmp_path: Path) -> None:
    Workspace("s", "g", "mine").write_config(str(tmp_path))
    assert Workspace.from_config(str(tmp_path)).name == "mine"
    assert (tmp_path / ".azureml" / "config.json").exists()


def test_a_scope_is_taken_apart(tmp_path: Path) -> None:
    scope = "/subscriptions/s/resourceGroups/g/providers/x.y/workspaces/w"
    workspace = Workspace.from_config(str(_write(tmp_path / "config.json", {"Scope": scope})))
    assert (workspace.subscription_id, workspace.resource_group, workspace.name) == ("s", "g", "w")


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserErrorException, match="does not exist"):
        Workspace.from_config(str(tmp_path / "nowhere.json"))


def test_a_configuration_without_names_says_which_are_missing(tmp_path: Path) -> None:
    file = _write(tmp_path / "config.json", {"subscription_id": "s"})
    with pytest.raises(UserErrorException, match="resource_group, workspace_name"):
        Workspace.from_config(str(file))


def test_no_configuration_at_all_asks_nobody_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPWELL_BIN", str(tmp_path / "nothing"))
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.from_config(str(tmp_path))
    assert "None" in repr(workspace)  # there is no server, and a text for people does not fail
    with pytest.raises(AzureMLException, match="STEPWELL_BIN"):
        _ = workspace.name


def test_a_workspace_shows_the_names_it_has(project: Path) -> None:
    workspace = Workspace.from_config()
    assert repr(workspace.name) in repr(workspace)


def test_the_authentication_of_a_workspace_is_there_for_programs_that_look_inside(
    project: Path,
) -> None:
    given = ServicePrincipalAuthentication("tenant", "id", "password")
    assert Workspace.from_config(auth=given)._auth is given
    header = Workspace.from_config()._auth.get_authentication_header()
    assert header["Authorization"].startswith("Bearer ")
