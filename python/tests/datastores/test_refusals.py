"""Datastores that cannot be opened say why, and no text of the server holds a credential."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator

import peers
import pytest
import signin

from azureml._not_yet import NotSupportedYet
from azureml.core import Datastore, Workspace
from azureml.exceptions import UserErrorException
from stepwell import datastores, errors

WRONG = "d3Jvbmcta2V5LXRoYXQtbXVzdC1ub3QtYmUtc2Vlbi1hbnl3aGVyZS0wMTIzNDU2Nzg5YWJjZGVm"


def blob(workspace: Workspace, peer: peers.Peer, name: str, **changes: Any) -> Any:
    options: Dict[str, Any] = {
        "container_name": name,
        "account_name": peers.ACCOUNT,
        "account_key": peers.KEY,
        "endpoint": peers.blob_endpoint(peer),
    }
    options.update(changes)
    return Datastore.register_azure_blob_container(workspace, name, **options)


def test_a_container_that_is_not_there_is_said(workspace: Workspace, blobs: peers.Peer) -> None:
    with pytest.raises(UserErrorException, match="the container `absent` is not there") as refused:
        blob(workspace, blobs, "absent")
    assert "create_if_not_exists=True" in str(refused.value)
    assert "absent" not in workspace.datastores
    later = blob(workspace, blobs, "absent", skip_validation=True)
    with pytest.raises(errors.InvalidRequest, match="is not there"):
        later.download("anywhere")
    later.unregister()


def test_a_bucket_that_is_not_there_is_said(workspace: Workspace, buckets: peers.Peer) -> None:
    with pytest.raises(UserErrorException, match="the bucket `absent-bucket` is not there"):
        datastores.register_s3(
            workspace,
            "absent-bucket",
            "absent-bucket",
            peers.S3_ID,
            peers.S3_KEY,
            endpoint=buckets.url,
        )


def test_a_wrong_key_is_said_and_not_shown(workspace: Workspace, blobs: peers.Peer) -> None:
    with pytest.raises(UserErrorException, match="refuses its credentials") as refused:
        blob(workspace, blobs, "wrong", account_key=WRONG)
    assert WRONG not in str(refused.value)
    with pytest.raises(UserErrorException) as refused:
        blob(workspace, blobs, "odd", account_key="this is no base64 key!")
    assert "this is no base64" not in str(refused.value)


def test_a_principal_with_a_wrong_secret_is_said_and_the_secret_not_shown(
    workspace: Workspace, lake: peers.Lake
) -> None:
    lake.make("closed")
    made = Datastore.register_azure_data_lake_gen2(
        workspace,
        "closed",
        "closed",
        peers.ACCOUNT,
        tenant_id=signin.TENANT,
        client_id=signin.CLIENT,
        client_secret=WRONG,
        authority_url=lake.authority,
        endpoint=lake.endpoint,
    )
    with pytest.raises(errors.InvalidRequest, match="refuses its credentials") as refused:
        made.download("anywhere", show_progress=False)
    assert "AADSTS7000215" in str(refused.value)
    assert WRONG not in str(refused.value)
    made.unregister()


def test_a_service_accounts_key_that_does_not_fit_is_said_and_not_shown(
    workspace: Workspace, google: peers.Google
) -> None:
    google.make("guarded")

    def register(key: str) -> str:
        with pytest.raises(UserErrorException) as refused:
            datastores.register_gcs(workspace, "guarded", "guarded", key, endpoint=google.endpoint)
        return str(refused.value)

    another = signin.ServiceAccount()
    refusal = register(another.file)
    assert "refuses its credentials" in refusal and "signed by another key" in refusal
    assert another.private_key[100:160] not in refusal
    for damaged in ("{", WRONG, another.file.replace("BEGIN", "BEGUN"), '{"type": "other"}'):
        refusal = register(damaged)
        assert "register the datastore again" in refusal, refusal
        assert WRONG not in refusal and another.private_key[100:160] not in refusal


def test_nobody_at_the_endpoint_is_said(workspace: Workspace) -> None:
    nobody = f"http://127.0.0.1:{peers.free_port()}/account1"
    with pytest.raises(UserErrorException, match="cannot be reached") as refused:
        Datastore.register_azure_blob_container(
            workspace,
            "nobody",
            "nobody",
            "account1",
            sas_token="sv=1&sig=" + WRONG,
            endpoint=nobody,
        )
    assert WRONG not in str(refused.value)


def test_a_key_by_reference_is_taken_from_the_servers_environment(
    workspace: Workspace, blobs: peers.Peer
) -> None:
    with pytest.raises(UserErrorException, match="has no variable `NOBODY_SET_THIS`"):
        blob(workspace, blobs, "referred", account_key="env:NOBODY_SET_THIS")
    made = blob(
        workspace, blobs, "referred", account_key="env:NOBODY_SET_THIS", skip_validation=True
    )
    record = workspace._client.get("/datastores/referred")
    assert record["credentials"] == {"account_key": "env:NOBODY_SET_THIS"}
    made.unregister()


def test_another_datastore_of_the_name_is_not_replaced_unasked(
    workspace: Workspace, blobs: peers.Peer
) -> None:
    made = blob(workspace, blobs, "taken", create_if_not_exists=True)
    assert blob(workspace, blobs, "taken").name == made.name
    with pytest.raises(UserErrorException, match="another datastore `taken` already"):
        blob(workspace, blobs, "taken", container_name="other", skip_validation=True)
    blob(workspace, blobs, "taken", container_name="other", skip_validation=True, overwrite=True)
    assert Datastore.get(workspace, "taken").container_name == "other"
    Datastore.get(workspace, "taken").unregister()
    with pytest.raises(UserErrorException, match="the workspace's own"):
        blob(workspace, blobs, "workspaceblobstore")


def test_what_cannot_be_reached_says_so(workspace: Workspace) -> None:
    with pytest.raises(NotSupportedYet, match="no client for Azure file shares"):
        Datastore.register_azure_file_share(workspace, "share", "share", "account")
    with pytest.raises(UserErrorException, match="cannot name a datastore"):
        datastores.register_local_folder(workspace, "a b", "/tmp")


def test_the_servers_own_folder_is_no_datastore(
    workspace: Workspace, served: Path, tmp_path: Path
) -> None:
    own = served / ".stepwell"
    (tmp_path / "link").symlink_to(own)
    for file in (own / "stepwell.db", own / "new.db", tmp_path / "link" / "stepwell.db"):
        with pytest.raises(UserErrorException, match="is in the server's own data folder"):
            datastores.register_sqlite(workspace, "own", str(file))
    for folder in (own, own / "runs" / "new", tmp_path / "link"):
        with pytest.raises(UserErrorException, match="is in the server's own data folder"):
            datastores.register_local_folder(
                workspace, "own", str(folder), create_if_not_exists=True
            )
    with pytest.raises(UserErrorException, match="holds the server's own data folder"):
        datastores.register_local_folder(workspace, "own", str(served))
    assert "own" not in workspace.datastores
    assert not (own / "runs" / "new").exists()


def test_a_malformed_definition_is_refused_without_being_repeated(workspace: Workspace) -> None:
    for body in (
        {"kind": "azure_blob", "account": "a", "container": "c", "credentials": WRONG},
        {"kind": "azure_blob", "account": "a", "container": "c", "credentials": {"key": WRONG}},
        {"kind": "s3", "bucket": "b", "endpoint": f"http://u:{WRONG}@127.0.0.1"},
        {"kind": "s3", "bucket": "b", "endpoint": "http://127.0.0.1/?sig=" + WRONG},
    ):
        with pytest.raises(errors.InvalidRequest) as refused:
            workspace._client.put("/datastores/malformed", body)
        assert WRONG not in str(refused.value)


@pytest.fixture
def secret_stays(served: Path) -> Iterator[None]:
    """After the test, neither key is anywhere in the data folder."""
    yield
    folder = served / ".stepwell"
    for secret in (peers.KEY, peers.S3_KEY, signin.CLIENT_SECRET, WRONG, "BEGIN PRIVATE KEY"):
        for path in folder.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path
    mode = os.stat(str(folder / "datastores.key")).st_mode
    assert mode & 0o777 == 0o600


def test_no_file_of_the_data_folder_holds_a_key(
    workspace: Workspace, blobs: peers.Peer, served: Path, secret_stays: None, tmp_path: Path
) -> None:
    for name, changes in {
        "leak-good": {"create_if_not_exists": True},
        "leak-wrong": {"account_key": WRONG, "skip_validation": True},
        "leak-sas": {
            "account_key": None,
            "sas_token": "sv=1&sig=" + WRONG,
            "skip_validation": True,
        },
    }.items():
        store = blob(workspace, blobs, name, **changes)
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("x")
        try:
            store.upload(str(tmp_path / name), show_progress=False)
        except errors.ApiError as refused:
            assert WRONG not in str(refused)
    said = subprocess.run(
        [os.environ["STEPWELL_BIN"], "doctor", "--json", "--folder", str(served)],
        capture_output=True,
        text=True,
        check=False,
    )
    for secret in (peers.KEY, WRONG):
        assert secret not in said.stdout + said.stderr
        assert secret not in repr(workspace._client.get("/datastores"))
