"""Datastores of each kind, on real peers."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Callable, Iterator

import databases
import peers
import pytest
import rows as tables
import signin
import tds
import trustme

from azureml.core import Datastore, Workspace
from stepwell import datastores


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Peer]:
    """Azurite."""
    peer = peers.azurite(tmp_path_factory.mktemp("azurite"))
    yield peer
    peer.stop()


@pytest.fixture(scope="session")
def buckets() -> Iterator[peers.Peer]:
    """moto."""
    peer = peers.moto()
    yield peer
    peer.stop()


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Lake]:
    """Azurite, with a service principal's sign-in."""
    lake = peers.Lake(tmp_path_factory.mktemp("lake"))
    yield lake
    lake.stop()


@pytest.fixture(scope="session")
def google(buckets: peers.Peer) -> Iterator[peers.Google]:
    """moto, behind a service account's sign-in."""
    google = peers.Google(buckets)
    yield google
    google.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[databases.Postgres]:
    """PostgreSQL."""
    server = databases.Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def maria() -> Iterator[databases.Maria]:
    """MariaDB."""
    server = databases.Maria()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tds.Server]:
    """Our own server of SQL Server's protocol; its certificate is by `authority.pem` beside it."""
    folder = tmp_path_factory.mktemp("sqlserver")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "cert.pem"))
    server = tds.Server(folder, databases.USER, databases.PASSWORD, folder / "cert.pem")
    yield server
    server.stop()


@pytest.fixture
def make_database(
    workspace: Workspace, request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[str], tables.Place]:
    """Registers a database of a kind."""

    def make(kind: str) -> tables.Place:
        if kind == "sqlite":
            place = tables.SqlitePlace(tmp_path / (uuid.uuid4().hex + ".db"), workspace)
            place.make()
            return place
        server = request.getfixturevalue(kind)
        if kind == "postgres":
            return tables.PostgresPlace(server, workspace)
        if kind == "sqlserver":
            return tables.SqlServerPlace(server, workspace)
        return tables.MariaPlace(server, workspace)

    return make


@pytest.fixture
def workspace(project: Path) -> Workspace:
    """The workspace of the server of these tests."""
    return Workspace.from_config()


@pytest.fixture
def make_store(
    workspace: Workspace, request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[str], Any]:
    """Registers a fresh datastore of a kind."""

    def make(kind: str) -> Any:
        name = f"{kind}-{uuid.uuid4().hex[:12]}"
        if kind == "local":
            folder = str(tmp_path / name)
            return datastores.register_local_folder(
                workspace, name, folder, create_if_not_exists=True
            )
        if kind == "blob":
            peer = request.getfixturevalue("blobs")
            return Datastore.register_azure_blob_container(
                workspace,
                name,
                container_name=name,
                account_name=peers.ACCOUNT,
                account_key=peers.KEY,
                endpoint=peers.blob_endpoint(peer),
                create_if_not_exists=True,
            )
        if kind == "lake":
            lake = request.getfixturevalue("lake")
            lake.make(name)
            return Datastore.register_azure_data_lake_gen2(
                workspace,
                name,
                filesystem=name,
                account_name=peers.ACCOUNT,
                tenant_id=signin.TENANT,
                client_id=signin.CLIENT,
                client_secret=signin.CLIENT_SECRET,
                authority_url=lake.authority,
                endpoint=lake.endpoint,
            )
        if kind == "gcs":
            google = request.getfixturevalue("google")
            # The client encodes a dash in the bucket's name, and moto does not decode it.
            bucket = name.replace("-", "")
            google.make(bucket)
            return datastores.register_gcs(
                workspace,
                name,
                bucket=bucket,
                service_account_key=google.account.file,
                endpoint=google.endpoint,
            )
        peer = request.getfixturevalue("buckets")
        return datastores.register_s3(
            workspace,
            name,
            bucket=name,
            access_key_id=peers.S3_ID,
            secret_access_key=peers.S3_KEY,
            endpoint=peer.url,
            create_if_not_exists=True,
        )

    return make


@pytest.fixture(params=peers.KINDS)
def store(request: pytest.FixtureRequest, make_store: Callable[[str], Any]) -> Any:
    """A fresh datastore of each kind in turn."""
    return make_store(request.param)


@pytest.fixture(params=peers.KINDS[1:])
def remote(request: pytest.FixtureRequest, make_store: Callable[[str], Any]) -> Any:
    """A fresh datastore of each kind on another machine."""
    return make_store(request.param)
