"""Names that come from a server, before they become paths on this machine.

A server that is hostile, or somebody on the way to one that speaks plain http, may name a file so
that it would be written anywhere. Every name passes here first.
"""

from __future__ import annotations

import os

from stepwell import errors


def below(folder: str, name: str) -> str:
    """The path of the file `name` below `folder`.

    Raises:
        StepwellError: The name would lead outside of the folder.
    """
    parts = name.split("/")
    bad = {"", ".", ".."}
    if bad.intersection(parts) or "\0" in name or (os.sep != "/" and os.sep in name):
        raise errors.StepwellError(
            f"the server names a file `{name}`, which leads outside of `{folder}`",
            "nothing was written; do not trust this server",
        )
    return os.path.join(folder, *parts)
