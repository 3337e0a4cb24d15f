"""The outside peers of these tests: Azurite for Blob storage, moto for S3, on loopback ports.

Both are ordinary packages. Azurite is installed by npm into the user's cache folder when it is
not there; moto comes with the test environment.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Dict, List

import boto3
import signin
import trustme
from azure.storage.blob import BlobServiceClient

KINDS = ("local", "blob", "lake", "s3", "gcs")
"""The kinds of datastores that can be tried here."""

AZURITE = "3.35.0"
ACCOUNT = "account1"
# A made-up key of the length that Azure's have.
KEY = "c3RlcHdlbGwtdGVzdC1rZXktdGhhdC1ub2JvZHktZWxzZS1oYXMtMDEyMzQ1Njc4OWFiY2RlZg=="
S3_ID = "AKIASTEPWELLTEST"
S3_KEY = "s3cr3t/stepwell+test/key/nobody/has0"
START_S = 60.0


class Peer:
    """A server of this machine that is stopped at the end."""

    def __init__(
        self, command: List[str], port: int, variables: Dict[str, str], scheme: str = "http"
    ) -> None:
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.port = port
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self._log.seek(0)
        raise AssertionError(f"the peer did not start: {self._log.read()[-2000:]!r}")

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def azurite_program() -> Path:
    """Azurite's Blob server, installed when it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "stepwell" / f"azurite-{AZURITE}"
    program = home / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix="azurite-", dir=str(home.parent)))
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(aside)]
        subprocess.run([*command, "azurite@" + AZURITE], check=True)
        try:
            os.rename(str(aside), str(home))
        except OSError:  # another test run was first
            shutil.rmtree(str(aside))
    return program


def azurite(folder: Path, signs_in: bool = False) -> Peer:
    """Azurite on a folder; one that takes tokens of Azure's directory speaks TLS, as it demands."""
    port = free_port()
    command = [
        str(azurite_program()),
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
        "--location",
        str(folder),
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
    ]
    if signs_in:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "authority.pem"))
        certificate = authority.issue_cert("127.0.0.1")
        certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        command += ["--oauth", "basic"]
        command += ["--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem")]
    accounts = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    return Peer(command, port, accounts, "https" if signs_in else "http")


def moto() -> Peer:
    """An S3 server in memory."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    return Peer(command, port, {})


def blob_endpoint(peer: Peer) -> str:
    """The URL of the account's blobs."""
    return f"{peer.url}/{ACCOUNT}"


class Lake:
    """Azurite with the sign-in of Azure's directory, and who gives out the tokens."""

    def __init__(self, folder: Path) -> None:
        self._azurite = azurite(folder, signs_in=True)
        self.tls_endpoint = blob_endpoint(self._azurite)
        self.certificate_authority = folder / "authority.pem"
        self.url = self._azurite.url
        self._door = signin.relay(self.url)
        self._directory = signin.directory()
        self.endpoint = f"{self._door.url}/{ACCOUNT}"
        self.authority = self._directory.url

    def make(self, file_system: str) -> None:
        """Make a file system, with the key of the account."""
        client = BlobServiceClient(self.endpoint, credential=KEY)
        client.create_container(file_system)
        client.close()

    def stop(self) -> None:
        """End all of it."""
        for part in (self._door, self._directory, self._azurite):
            part.stop()


class Google:
    """Buckets behind Google's sign-in.

    No emulator of Google's XML interface can be had from a package registry. It is made to be
    spoken to like S3, so moto stands in; what Google does differently is not seen here.
    """

    def __init__(self, buckets: Peer) -> None:
        self._buckets = buckets
        self.account = signin.ServiceAccount()
        self._door = signin.relay(buckets.url, self._admit)
        self.endpoint = self._door.url

    def _admit(self, headers: signin.Headers) -> str:
        self.account.check(headers)
        return f"AWS {S3_ID}:not-looked-at"

    def make(self, bucket: str) -> None:
        """Make a bucket, on the other side of the door."""
        client = boto3.client(
            "s3",
            endpoint_url=self._buckets.url,
            region_name="us-east-1",
            aws_access_key_id=S3_ID,
            aws_secret_access_key=S3_KEY,
        )
        client.create_bucket(Bucket=bucket)
        client.close()

    def stop(self) -> None:
        """Close the door."""
        self._door.stop()


class Proxy:
    """Stands between the server and a peer, and can hold up or cut what the server sends."""

    def __init__(self, peer: Peer) -> None:
        self._target = ("127.0.0.1", peer.port)
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port = int(self._listener.getsockname()[1])
        self.sent = 0
        """Bytes that the server has sent so far."""
        self.answered = 0
        """Bytes that the peer has answered so far."""
        self._may_pass = threading.Event()
        self._may_pass.set()
        self.cuts = 0
        """How many connections are cut from now on, each after some bytes of an answer."""
        self.held = threading.Event()
        """Set when `hold_after` has come about."""
        self._hold_at = sys.maxsize
        self._lock = threading.Lock()
        self._ends: List[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The URL of the account's blobs, through this."""
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    def hold_after(self, count: int) -> None:
        """Let nothing through once so many more bytes have passed."""
        self.held.clear()
        self._hold_at = self.sent + self.answered + count

    def release(self) -> None:
        """Let everything through again."""
        self._may_pass.set()

    def cut_all(self) -> None:
        """Cut every connection there is; what was sent and has not passed is lost."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            _shut(end)

    def close(self) -> None:
        """Take no more connections."""
        self.release()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            with self._lock:
                self._ends += [client, server]
            for source, target, is_answer in ((client, server, False), (server, client, True)):
                threading.Thread(
                    target=self._pump, args=(source, target, is_answer), daemon=True
                ).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        try:
            while True:
                piece = source.recv(65536)
                with self._lock:
                    if is_answer:
                        self.answered += len(piece)
                    else:
                        self.sent += len(piece)
                    if self.sent + self.answered >= self._hold_at:
                        self._hold_at = sys.maxsize
                        self._may_pass.clear()
                        self.held.set()
                    is_cut = is_answer and len(piece) > 2000 and self.cuts > 0
                    self.cuts -= is_cut
                self._may_pass.wait(60)
                target.sendall(piece[: len(piece) // 2] if is_cut else piece)
                if not piece or is_cut:
                    break
        except OSError:
            pass
        for end in (source, target):
            _shut(end)
            end.close()


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # closed already
