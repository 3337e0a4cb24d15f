"""Programs that cells start: `%sh`, `!command`, `%pip`.

Packages of `%pip install` go to a folder of this run, in front of those of the environment: the
environment is shared by all steps that ask for equal packages and stays as it is.
"""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from typing import Any, Dict, List, Optional

READING = ("list", "freeze", "show", "check", "config", "--version", "-V", "debug")


class CommandFailed(Exception):
    """A program ended with another status than 0."""

    def __init__(self, command: str, status: int) -> None:
        self.status = status
        how = (
            f"was ended by {signal.Signals(-status).name}"
            if status < 0
            else f"ended with status {status}"
        )
        super().__init__(f"`{command}` {how}")


def run(command: List[str], environ: Optional[Dict[str, str]] = None) -> int:
    """Run a program and print what it prints; gives its exit status."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        text=True,
        errors="replace",
        bufsize=1,
    )
    assert process.stdout is not None
    with process, process.stdout:
        for line in process.stdout:
            sys.stdout.write(line)
    return process.returncode


def shell(text: str, fail: bool) -> None:
    """Run a script of the shell; with `fail`, a status other than 0 ends the cell.

    On Databricks `%sh` goes on after a failure unless it is `%sh -e`.
    """
    status = run(["bash", *(["-e"] if fail else []), "-c", text])
    if status and fail:
        raise CommandFailed(text.strip().split("\n", 1)[0], status)
    if status:
        print(f"[the shell ended with status {status}]")


def pip(arguments: str, site: str) -> None:
    """Run `%pip`: `install` installs for this run, other commands read.

    Raises:
        CommandFailed: pip failed; its output has been printed.
        ValueError: The command would change the environment.
    """
    words = [os.path.expandvars(word) for word in shlex.split(arguments, comments=True)]
    if not words:
        raise ValueError("`%pip` needs a command, such as `%pip install PACKAGE`")
    if words[0] == "install":
        install(words[1:], site)
        return
    if words[0] in READING:
        status = run([sys.executable, "-m", "pip", *words])
    else:
        raise ValueError(
            f"`%pip {words[0]}` would change the environment, which steps share; `%pip install` "
            "installs for this run"
        )
    if status:
        raise CommandFailed("%pip " + arguments, status)


def install(words: List[str], site: str) -> None:
    """Install packages into a folder, by the arguments of `pip install`.

    Raises:
        CommandFailed: They could not be installed; why has been printed.
    """
    os.makedirs(site, exist_ok=True)
    words = [word for word in words if word not in ("--quiet", "-q", "--user")]
    command = [*_installer(), "--target", site, *words]
    if "--upgrade" not in words and "-U" not in words:
        command.append("--upgrade")  # a newer version replaces one that is in the folder
    status = run(command)
    importlib.invalidate_caches()
    if status:
        raise CommandFailed("pip install " + " ".join(words), status)


def _installer() -> List[str]:
    """The program that installs packages: uv where there is one, else pip."""
    beside = os.path.join(os.path.dirname(sys.executable), "uv")
    uv = os.environ.get("STEPWELL_UV") or (beside if os.path.exists(beside) else None)
    uv = uv or shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def forget_modules(kept: Any) -> None:
    """Have modules imported again that were not there when the notebook began."""
    for name in [name for name in sys.modules if name not in kept]:
        if not name.startswith(("pyspark", "py4j", "stepwell")):
            del sys.modules[name]
    importlib.invalidate_caches()
