"""A login node: an ssh server on this machine, and a command `ssh` that finds it by a name."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from .waiting import until

NAME = "login.example"

SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/me.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
"""
CLIENT = """
Host {name}
    HostName 127.0.0.1
    Port {port}
    User {user}
    IdentityFile {folder}/me
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known
    StrictHostKeyChecking accept-new
"""
COMMAND = """#!/bin/sh
exec {ssh} -F {folder}/client "$@"
"""


class LoginNode:
    """The server. Commands find it while `path` is the first of their `PATH`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stepwell-login-")
        folder = Path(self._folder.name)
        for key in ("host", "me"):
            made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
            subprocess.run(made, check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        filled = {
            "folder": folder,
            "name": NAME,
            "port": self._port,
            "ssh": shutil.which("ssh"),
            "user": getpass.getuser(),
        }
        self.path = folder / "bin"
        self.path.mkdir()
        texts = {"server": SERVER, "client": CLIENT, "bin/ssh": COMMAND}
        for name, text in texts.items():
            (folder / name).write_text(text.lstrip().format_map(filled))
        (self.path / "ssh").chmod(0o755)
        self._config = folder / "server"
        self.start()

    def start(self) -> None:
        """Starts the server, and waits until it listens."""
        if os.getuid() == 0:
            # Where what speaks to strangers is locked up; the distribution's service makes it.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "there is no ssh server: openssh-server?"
        line = [program, "-D", "-e", "-f", str(self._config)]
        log = (self._config.parent / "sshd.log").open("a")
        self._server = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=log)

        def said() -> str:
            assert self._server.poll() is None, Path(log.name).read_text()
            with socket.socket() as one:
                try:
                    one.connect(("127.0.0.1", self._port))
                    return one.recv(4).decode()
                except OSError as error:
                    return str(error)

        until(said, lambda text: text == "SSH-", "the ssh server answers")

    def stop(self) -> None:
        """Ends the server; what it has begun goes on."""
        self._server.kill()
        self._server.wait()

    def close(self) -> None:
        """Ends it."""
        self.stop()
        self._folder.cleanup()
