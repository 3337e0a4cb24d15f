"""`python -m stepwell` runs the `stepwell` command with the same arguments."""

from __future__ import annotations

import os
import sys

from stepwell import errors
from stepwell._binary import find_binary


def main() -> int:
    """Become the command; where a process cannot be replaced, run it and pass its status on."""
    try:
        binary = find_binary()
    except errors.BinaryNotFound as missing:
        sys.stderr.write(f"error: {missing.message}\nhint: {missing.hint}\n")
        return 2
    arguments = [binary] + sys.argv[1:]
    if os.name == "nt":
        import subprocess

        return subprocess.call(arguments)
    os.execv(binary, arguments)


if __name__ == "__main__":
    sys.exit(main())
