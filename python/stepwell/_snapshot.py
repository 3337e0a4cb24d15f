"""Sends a folder's content to the server by the `stepwell snapshot` command.

The command reads, hashes and stores the files; this module only asks and passes warnings on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Dict, Optional

if TYPE_CHECKING:
    from stepwell.client import Address


def take(directory: str, address: Address, remote: bool) -> str:
    """Store a copy of `directory` at the server and return its digest."""
    from stepwell._binary import run_json

    # The command must speak to the server of this client, whatever the working directory is.
    variables: Dict[str, Optional[str]] = {"STEPWELL_URL": address.url}
    variables["STEPWELL_TOKEN"] = address.token
    if not remote:
        variables = {"STEPWELL_URL": None, "STEPWELL_TOKEN": None}
        variables["STEPWELL_DATA"] = address.data_folder
    reply = run_json(["snapshot", directory, "--json"], variables=variables)
    snapshot = reply["snapshots"][0]
    for warning in snapshot.get("warnings", ()):
        sys.stderr.write("warning: {}\n".format(warning))
    return str(snapshot["digest"])
