"""Names that v1 calls internal and that programs and libraries import all the same."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List

import pytest

from azureml import _edge
from azureml._common.exceptions import AzureMLException
from azureml._restclient.constants import RunStatus
from azureml._restclient.exceptions import ServiceException
from azureml.exceptions import AuthenticationException, SnapshotException, UserErrorException
from stepwell import errors

NAMES = """
azureml._base_sdk_common.__version__ azureml._base_sdk_common._ClientSessionId
azureml._base_sdk_common.common.perform_interactive_login
azureml._base_sdk_common.user_agent.append azureml._base_sdk_common.user_agent.get_user_agent
azureml._base_sdk_common._docstring_wrapper.experimental
azureml._common.exceptions.AzureMLException azureml._restclient.clientbase.ClientBase
azureml._restclient.constants.RUN_ORIGIN azureml._restclient.constants.RunStatus
azureml._restclient.exceptions.ServiceException
azureml._restclient.experiment_client.ExperimentClient
azureml._restclient.models.CreateRunDto azureml._restclient.models.RunTypeV2
azureml._restclient.models.create_run_dto.CreateRunDto
azureml._restclient.models.run_type_v2.RunTypeV2 azureml._restclient.run_client.RunClient
azureml._base_sdk_common._docstring_wrapper.module_logger azureml.data._dataset._Dataset
azureml._restclient.snapshots_client.SNAPSHOT_MAX_SIZE_BYTES
azureml._restclient.workspace_client.WorkspaceClient
azureml.pipeline.core._restclients.aeva.models.ErrorResponse
azureml.pipeline.core._restclients.aeva.models.error_response.ErrorResponseException
azureml._run_impl.constants.RunEnvVars azureml._run_impl.run_watcher.RunWatcher
""".split()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_libraries_import_is_there(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


def test_internal_models_hold_what_they_were_given() -> None:
    from azureml._restclient.models import CreateRunDto, RunTypeV2

    kind = RunTypeV2(orchestrator="HyperDrive", traits=["mine"])
    dto = CreateRunDto("run-1", name="n", run_type_v2=kind)
    assert (dto.run_id, dto.name, dto.tags) == ("run-1", "n", None)
    assert dto.as_dict()["run_type_v2"] == {"orchestrator": "HyperDrive", "traits": ["mine"]}
    assert RunTypeV2("a") == RunTypeV2("a") != RunTypeV2("b")


def test_the_user_agent_names_the_libraries_that_were_added() -> None:
    from azureml._base_sdk_common import user_agent

    user_agent.append("my-library", "3.2")
    assert "my-library/3.2" in user_agent.get_user_agent().split()


def test_the_statuses_are_those_of_run_history() -> None:
    assert RunStatus.COMPLETED == "Completed"
    assert "Running" in RunStatus.get_running_statuses()
    assert "Failed" not in RunStatus.get_running_statuses()


def test_a_service_principal_keeps_its_ids_and_forgets_its_password() -> None:
    from azureml.core.authentication import ServicePrincipalAuthentication

    principal = ServicePrincipalAuthentication("tenant", "principal", "word of secrecy")
    assert (principal._tenant_id, principal._service_principal_id) == ("tenant", "principal")
    assert "word of secrecy" not in repr(vars(principal))


class WatchedRun:
    """A run with one file, which grows."""

    _path = "/runs/1"

    def __init__(self) -> None:
        self.sizes = [1, 1, 2]
        self.saved: List[Any] = []
        self._client = self

    def get(self, path: str, prefix: str) -> Dict[str, Any]:
        assert (path, prefix) == ("/runs/1/files", "logs/")
        return {"files": [{"name": "logs/a/events", "size": self.sizes.pop(0)}]}

    def get_status(self) -> str:
        return "Running" if len(self.sizes) > 1 else "Completed"

    def download_file(self, name: str, target: str) -> None:
        self.saved.append((name, target))


def test_a_watcher_downloads_what_is_new_until_the_run_is_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from azureml._run_impl import run_watcher

    monkeypatch.setattr(run_watcher, "REFRESH_SECONDS", 0.0)
    run = WatchedRun()
    with ThreadPoolExecutor(1) as executor:
        event = threading.Event()
        run_watcher.RunWatcher(run, str(tmp_path), "logs", executor, event).refresh()
    target = str(tmp_path / "a" / "events")
    assert run.saved == [("logs/a/events", target)] * 2  # new, then grown; not in between


# Errors at the edge.


@pytest.mark.parametrize(
    "error, kinds",
    [
        (errors.NotFound("not_found", "no", status=404), [UserErrorException, ServiceException]),
        (errors.Conflict("conflict", "no", status=409), [UserErrorException, ServiceException]),
        (errors.Unauthorized("unauthorized", "no", status=401), [AuthenticationException]),
        (errors.Internal("internal", "no", status=500), [ServiceException]),
        (errors.ServerUnreachable("no"), [AzureMLException]),
        (errors.SnapshotFailed("no"), [SnapshotException]),
        (errors.CommandFailed("no"), [AzureMLException]),
    ],
)
def test_an_error_is_caught_by_v1s_classes_and_by_its_own(
    error: errors.StepwellError, kinds: List[type]
) -> None:
    error.hint = "do that"
    made = _edge.as_v1(error)
    for kind in (type(error), AzureMLException, *kinds):
        assert isinstance(made, kind)
    assert (made.message, made.hint) == ("no", "do that")
    assert str(made) == "no\nhint: do that"
    assert _edge.as_v1(made) is made
    if isinstance(error, errors.ApiError):
        assert getattr(made, "status_code", None) == error.status
        assert made.response.status_code == error.status  # type: ignore[attr-defined]


MSREST = (  # what it declares itself, as far as it matters here: a constructor of its own
    "class ClientException(Exception):\n"
    "    def __init__(self, message, inner_exception=None):\n"
    "        super().__init__(message)\n"
    "class HttpOperationError(ClientException):\n"
    "    def __init__(self, deserialize, response, resp_type=None):\n"
    "        super().__init__('no')\n"
)

WITH_MSREST = """
from msrest.exceptions import HttpOperationError
from azureml import _edge
from azureml.exceptions import UserErrorException
from stepwell import errors
for error in (_edge.as_v1(errors.NotFound("not_found", "no", status=404)),
              _edge.not_found(UserErrorException, "no")):
    try:
        raise error
    except HttpOperationError as caught:
        print(caught.response.status_code, isinstance(caught, UserErrorException), caught.message)
"""


WITH_PIPELINES_OWN = """
from azureml import _edge
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import _published
from azureml.pipeline.core._restclients.aeva.models.error_response import ErrorResponseException
from msrest.exceptions import HttpOperationError
from stepwell import errors
assert issubclass(ErrorResponseException, HttpOperationError)
try:
    with _published.refusals():
        raise errors.NotFound("not_found", "no", status=404)
except ErrorResponseException as caught:
    print(caught.response.status_code, isinstance(caught, UserErrorException), caught.message)
try:
    with _published.refusals(ValueError):
        raise errors.Conflict("conflict", "taken", status=409)
except ErrorResponseException as caught:
    print(caught.response.status_code, isinstance(caught, ValueError), caught)
"""


def said(tmp_path: Path, program: str) -> str:
    """What a program prints where msrest is installed."""
    package = tmp_path / "msrest"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "exceptions.py").write_text(MSREST)
    path = [str(tmp_path), str(Path(_edge.__file__).parents[1])]
    code = f"import sys; sys.path[:0] = {path!r}\n{program}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_program_that_uses_msrest_can_catch_its_error(tmp_path: Path) -> None:
    assert said(tmp_path, WITH_MSREST) == "404 True no\n" * 2


def test_a_program_that_names_the_refusal_of_v1s_pipelines_can_catch_it(tmp_path: Path) -> None:
    assert said(tmp_path, WITH_PIPELINES_OWN) == "404 True no\n409 True taken\n"
