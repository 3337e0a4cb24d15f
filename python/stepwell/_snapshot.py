"""Sends a folder's content to the server by the `stepwell snapshot` command.

The command reads, hashes and stores the files; this module only asks and passes warnings on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Dict, Optional, Sequence

if TYPE_CHECKING:
    from stepwell.client import Address


def take(
    directory: str, address: Address, remote: bool, only: Optional[Sequence[str]] = None
) -> str:
    """Store a copy of `directory` at the server and return its digest.

    Args:
        directory: The folder.
        address: Where the server is.
        remote: Whether the server is on another machine.
        only: Files and folders in it, which are stored whole; ignore files count only without it.
    """
    from stepwell._binary import run_json

    # The command must speak to the server of this client, whatever the working directory is.
    variables: Dict[str, Optional[str]] = {"STEPWELL_URL": address.url}
    variables["STEPWELL_TOKEN"] = address.token
    if not remote:
        variables = {"STEPWELL_URL": None, "STEPWELL_TOKEN": None}
        variables["STEPWELL_DATA"] = address.data_folder
    what = [directory] if only is None else ["--below", directory, "--", *only]
    reply = run_json(["snapshot", "--json", *what], variables=variables)
    snapshot = reply["snapshots"][0]
    for warning in snapshot.get("warnings", ()):
        sys.stderr.write(f"warning: {warning}\n")
    return str(snapshot["digest"])
