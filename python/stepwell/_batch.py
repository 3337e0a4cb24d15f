"""Starts an executable as a task of Azure Batch had it: `python -m stepwell._batch -- EXE ...`.

Inputs are copied to `./<input>/<file>`, outputs are the folders `./<output>/`; after it has ended,
what is in them is copied to where the step keeps its outputs. In the arguments `{input:NAME}` and
`{output:NAME}` stand for those places.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from typing import Dict, List, Sequence

# Azure Batch cut longer names of ports.
NAME_MAX = 32
MARK = re.compile(r"\{(input|output):([A-Za-z0-9_]+)\}")


def main(words: Sequence[str]) -> int:
    """Lay out the data, run the executable and keep its outputs; the exit code of the step."""
    parser = argparse.ArgumentParser(prog="stepwell._batch", allow_abbrev=False)
    parser.add_argument("--input", nargs=2, action="append", default=[])
    parser.add_argument("--output", nargs=2, action="append", default=[])
    parser.add_argument("--ignore-exit-code", action="store_true")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(words)
    places = {("input", name): _copied(name, path) for name, path in given.input}
    for name, _ in given.output:
        os.makedirs(name[:NAME_MAX], exist_ok=True)
        places["output", name] = name[:NAME_MAX]
    executable = _found(given.command[0])
    if executable is None:
        sys.stderr.write(
            f"error: there is no executable `{given.command[0]}`\nhint: it is looked for "
            "among the files of the "
            "step and on the PATH\n"
        )
        return 2
    command = [executable, *(_placed(word, places) for word in given.command[1:])]
    sys.stdout.flush()
    code = subprocess.run(command, env={**os.environ, **_variables()}, check=False).returncode
    for name, path in given.output:
        _kept(name[:NAME_MAX], path)
    if code < 0:
        sys.stderr.write(f"error: the executable was ended by signal {-code}\n")
        return 128 - code
    return 0 if given.ignore_exit_code else code


def _copied(name: str, path: str) -> str:
    """Copy an input below the working directory; its place there."""
    folder = name[:NAME_MAX]
    if os.path.isdir(path):
        shutil.copytree(path, folder, dirs_exist_ok=True)
        return folder
    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, os.path.basename(path.rstrip("/")))
    shutil.copyfile(path, target)
    return target


def _kept(folder: str, path: str) -> None:
    """Copy what the executable wrote to where the step keeps it."""
    os.makedirs(path, exist_ok=True)
    shutil.copytree(folder, path, dirs_exist_ok=True)


def _found(executable: str) -> "str | None":
    """The executable among the files of the step, else on the PATH."""
    own = os.path.abspath(executable)
    if os.path.isfile(own):
        os.chmod(own, os.stat(own).st_mode | 0o100)
        return own
    return shutil.which(executable)


def _placed(word: str, places: Dict["tuple[str, str]", str]) -> str:
    return MARK.sub(lambda found: places.get((found[1], found[2]), found[0]), word)


def _variables() -> Dict[str, str]:
    """What tasks of Azure Batch found around them."""
    run = os.environ.get("AZUREML_RUN_ID", "local")
    names: List[str] = ["AZ_BATCH_TASK_ID", "AZ_BATCH_JOB_ID"]
    made = dict.fromkeys(names, run)
    made.update(
        AZ_BATCH_TASK_WORKING_DIR=os.getcwd(), AZ_BATCH_POOL_ID="local", AZ_BATCH_NODE_ID="0"
    )
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
