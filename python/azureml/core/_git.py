"""Which commit of which repository a source directory is, as v1 writes it on runs."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Dict, Optional

TIMEOUT_S = 5.0


def git_properties(directory: str) -> Dict[str, str]:
    """Properties that name the repository, the branch and the commit; none outside of one."""
    if not _is_in_work_tree(directory):
        return {}
    facts = {
        "branch": _git(directory, "symbolic-ref", "--short", "HEAD"),
        "commit": _git(directory, "rev-parse", "HEAD"),
        "repository_uri": _git(directory, "ls-remote", "--get-url"),
        "dirty": _git(directory, "status", "--porcelain"),
    }
    if not facts["commit"]:
        return {}
    uri = _without_password(facts["repository_uri"] or "")
    uri = uri if "/" in uri else ""  # without a remote git gives the name of the missing one
    made = {
        "azureml.git.repository_uri": uri,
        "mlflow.source.git.repoURL": uri,
        "azureml.git.branch": facts["branch"] or "",
        "mlflow.source.git.branch": facts["branch"] or "",
        "azureml.git.commit": facts["commit"],
        "mlflow.source.git.commit": facts["commit"],
        "azureml.git.dirty": str(bool(facts["dirty"])),
    }
    return {name: value for name, value in made.items() if value}


def _is_in_work_tree(directory: str) -> bool:
    """Whether a folder on the way up has `.git`: asking git itself takes longer."""
    folder = os.path.abspath(directory)
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


def _git(directory: str, *arguments: str) -> Optional[str]:
    """What git answers; `None` when it is not there, refuses or takes too long."""
    try:
        done = subprocess.run(
            ["git", "-C", directory, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def _without_password(uri: str) -> str:
    """An address without the user and password that may stand in it."""
    return re.sub(r"(?<=://)[^/@]*@", "", uri)
