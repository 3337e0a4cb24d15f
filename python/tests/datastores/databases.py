"""The databases of these tests, on loopback ports: PostgreSQL and MariaDB from Debian's packages.

They refuse to run as root, so root starts them as their own users. They are spoken to by their own
clients, `psql` and `mariadb`; no Python driver is needed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, List, Optional

import peers
import trustme

USER = "tester"
PASSWORD = "s3cret of a database that nobody has"
DATABASE = "sales"


def _as(user: str, command: List[str]) -> List[str]:
    """A command as another user, when this is root."""
    if os.getuid() != 0:
        return command
    return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *command]


def _folder(user: str) -> Path:
    """A folder of that user's; those of pytest are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="stepwell-" + user))
    if os.getuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(str(folder), entry.pw_uid, entry.pw_gid)
    return folder


def _run(command: List[str], text: str = "", variables: Optional[Dict[str, str]] = None) -> str:
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, **(variables or {})},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Postgres:
    """A PostgreSQL server, which takes encrypted connections as well."""

    def __init__(self) -> None:
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        assert folders, "PostgreSQL is missing: apt-get install postgresql"
        program = folders[-1]
        self._folder = _folder("postgres")
        data, secret = self._folder / "data", self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        initdb = [str(program / "initdb"), "-D", str(data), "-U", USER, "-E", "UTF8"]
        initdb += ["--locale=C.UTF-8", "-A", "scram-sha-256", "--pwfile", str(secret), "--no-sync"]
        _run(_as("postgres", initdb))
        self.authority = self._folder / "authority.pem"
        self._certify()
        self.port = peers.free_port()
        command = [str(program / "postgres"), "-D", str(data), "-p", str(self.port), "-k", ""]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "ssl=on"]
        command += ["-c", "ssl_cert_file=../cert.pem", "-c", "ssl_key_file=../key.pem"]
        self._peer = peers.Peer(_as("postgres", command), self.port, {})
        _run([str(program / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-t", "60"])
        self.run("CREATE DATABASE " + DATABASE, "postgres")

    def _certify(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        certificate = authority.issue_cert("127.0.0.1")
        certificate.cert_chain_pems[0].write_to_path(str(self._folder / "cert.pem"))
        key = self._folder / "key.pem"
        certificate.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        if os.getuid() == 0:
            entry = pwd.getpwnam("postgres")
            os.chown(str(key), entry.pw_uid, entry.pw_gid)

    def run(self, sql: str, database: str = DATABASE) -> str:
        """What `psql` prints."""
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]
        command += ["-p", str(self.port), "-U", USER, database]
        variables = {"PGPASSWORD": PASSWORD, "PGTZ": "UTC", "PGSSLMODE": "disable"}
        return _run(command, sql, variables)

    def stop(self) -> None:
        """End it."""
        self._peer.stop()
        shutil.rmtree(str(self._folder))


class Maria:
    """A MariaDB server."""

    def __init__(self) -> None:
        assert shutil.which("mariadbd"), "MariaDB is missing: apt-get install mariadb-server"
        self._folder = _folder("mysql")
        data = self._folder / "data"
        install = ["mariadb-install-db", "--no-defaults", "--datadir=" + str(data)]
        install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        _run(_as("mysql", install))
        self.port = peers.free_port()
        self._socket = str(self._folder / "socket")
        command = ["mariadbd", "--no-defaults", "--datadir=" + str(data)]
        command += ["--port=" + str(self.port)]
        command += ["--bind-address=127.0.0.1", "--socket=" + self._socket]
        command += ["--pid-file=" + str(self._folder / "pid"), "--innodb-flush-log-at-trx-commit=0"]
        self._peer = peers.Peer(_as("mysql", command), self.port, {})
        grant = "CREATE DATABASE {0} CHARACTER SET utf8mb4; CREATE USER '{1}' IDENTIFIED BY '{2}';"
        grant += "GRANT ALL ON {0}.* TO '{1}'; DROP USER IF EXISTS ''@'localhost';"
        text = grant.format(DATABASE, USER, PASSWORD)
        _run(["mariadb", "--no-defaults", "-S", self._socket, "-u", "root"], text)

    def run(self, sql: str) -> str:
        """What `mariadb` prints."""
        command = ["mariadb", "--no-defaults", "-S", self._socket, "-u", "root", "-N", "-B"]
        text = "SET time_zone = '+00:00';\n" + sql
        return _run([*command, "--default-character-set=utf8mb4", DATABASE], text)

    def stop(self) -> None:
        """End it."""
        self._peer.stop()
        shutil.rmtree(str(self._folder))
