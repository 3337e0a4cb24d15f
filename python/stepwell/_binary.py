"""Finds and runs the `stepwell` command that is installed beside this package.

The command holds all rules of finding and starting a server; this module only knows where the
command may lie and how it says what went wrong.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from stepwell import errors

_found: Optional[str] = None


def find_binary() -> str:
    """The path of the `stepwell` command."""
    global _found
    named = os.environ.get("STEPWELL_BIN")
    if named:
        if os.path.isfile(named):
            return named
        raise errors.BinaryNotFound(
            f"STEPWELL_BIN names `{named}`, which is not a file",
            "unset STEPWELL_BIN, or let it name the stepwell binary",
        )
    if _found is None or not os.path.isfile(_found):
        _found = _search()
    return _found


def _search() -> str:
    looked_at = []
    for place in _places():
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
        looked_at.append(place)
    import shutil

    on_path = shutil.which("stepwell")
    if on_path:
        return on_path
    raise errors.BinaryNotFound(
        "the `stepwell` command was not found; looked at:\n  {}\n  and the folders of PATH".format(
            "\n  ".join(looked_at)
        ),
        "install the package again (pip install --force-reinstall stepwell), "
        "or let STEPWELL_BIN name the binary",
    )


def _places() -> Iterator[str]:
    name = "stepwell.exe" if os.name == "nt" else "stepwell"
    # Beside the interpreter without resolving links: in a virtual environment that is its `bin`.
    yield os.path.join(os.path.dirname(sys.executable or ""), name)
    import sysconfig

    yield os.path.join(sysconfig.get_path("scripts"), name)
    user_scheme = os.name + "_user"
    if user_scheme in sysconfig.get_scheme_names():
        yield os.path.join(sysconfig.get_path("scripts", scheme=user_scheme), name)


def run_json(
    arguments: Sequence[str],
    folder: Optional[str] = None,
    variables: Optional[Mapping[str, Optional[str]]] = None,
) -> Any:
    """Run the command in `folder` and return what it printed, read as JSON.

    Args:
        arguments: The command's arguments.
        folder: The working directory; this process's own when absent.
        variables: Environment variables to set, or with `None` to take away.

    Raises:
        CommandFailed: The command ended with an error; its words are the message.
    """
    import json
    import subprocess

    command = [find_binary()] + list(arguments)
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(variables or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise _failure(command, done.returncode, done.stderr)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise errors.CommandFailed(
            "`{}` printed what is not JSON: {!r}".format(" ".join(command), done.stdout[:200]),
            "the command and this package may be of different versions; install both again",
        ) from None


def _environment(variables: Mapping[str, Optional[str]]) -> Dict[str, str]:
    environment = dict(os.environ)
    for name, value in variables.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


def _failure(command: Sequence[str], exit_code: int, output: str) -> errors.CommandFailed:
    """Read the `error:` and `hint:` parts, each of which may go on over several lines."""
    parts: Dict[str, List[str]] = {"error": [], "hint": []}
    current: Optional[str] = None
    for line in output.splitlines():
        for label in parts:
            if line.startswith(label + ": "):
                current, line = label, line[len(label) + 2 :]
        if current and line.strip():
            parts[current].append(line)
    message = "\n".join(parts["error"]) or output.strip()
    if not message:
        message = "`{}` ended with status {}".format(" ".join(command), exit_code)
    return errors.CommandFailed(message, "\n".join(parts["hint"]), exit_code)
