"""Refuses an environment in which the original Azure ML SDK is installed beside Stepwell.

Both write into the folder `azureml`, so whichever was installed last would win file by file and
nothing could be trusted. The check lists the folders that modules are loaded from and looks at
names only; it reads no file and loads nothing.

Stepwell's wheel has records of its own by those names (`scripts/stand-ins`), so that installers
find what `pip install azureml-sdk` asks for and bring nothing. Their version tells them apart.
"""

from __future__ import annotations

import os
import sys
from typing import Iterator, List, NamedTuple, Optional

# The distributions that write what Stepwell provides. Others of the family add names of their own.
ORIGINALS = (
    "azureml_core",
    "azureml_pipeline_core",
    "azureml_pipeline_steps",
    "azureml_train_core",
    "azureml_widgets",
)
_RECORDS = (".dist-info", ".egg-info")
_STAND_IN = "+stepwell"


class Original(NamedTuple):
    """An installed distribution of the original SDK."""

    name: str
    version: str
    folder: str


def check() -> None:
    """Make sure that Stepwell is alone.

    Raises:
        ImportError: Naming what was found, where it is, and how to fix it.
    """
    found = list(_originals(_folders()))
    if found:
        raise ImportError(_refusal(found))


def _folders() -> List[str]:
    """The folder that holds this package, then all that Python searches; each once."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    searched = [own] + [os.path.abspath(each or os.curdir) for each in sys.path]
    return list(dict.fromkeys(searched))


def _originals(folders: List[str]) -> Iterator[Original]:
    for folder in folders:
        try:
            names = os.listdir(folder)
        except OSError:  # a zip file, or a folder that does not exist
            continue
        for name in sorted(names):
            found = _original(name, folder)
            if found is not None:
                yield found


def _original(name: str, folder: str) -> Optional[Original]:
    """The distribution whose record has this file name, if it is one of the original's."""
    if not name.startswith("azureml") or not name.endswith(_RECORDS):
        return None
    distribution, _, version = name.rpartition(".")[0].partition("-")
    distribution = distribution.replace(".", "_")
    if distribution not in ORIGINALS or version.endswith(_STAND_IN):
        return None
    return Original(distribution.replace("_", "-"), version.partition("-")[0], folder)


def _refusal(found: List[Original]) -> str:
    first = found[0]
    names = " ".join(dict.fromkeys(each.name for each in found))
    return (
        f"{first.name} {first.version} is installed in {first.folder}, and both it and "
        "Stepwell provide the module `azureml`. "
        "Remove it and put Stepwell's files back:\n"
        f"    {sys.executable} -m pip uninstall -y stepwell {names}\n"
        f"    {sys.executable} -m pip install --force-reinstall --no-deps stepwell"
    )
