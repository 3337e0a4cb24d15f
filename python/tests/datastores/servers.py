"""The server of these tests, as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path


def kill_server(project: Path) -> None:
    """Kill it; the next command starts another on the same data folder."""
    binary = os.environ["STEPWELL_BIN"]
    stopped = subprocess.run(
        [binary, "connect", "--json"], capture_output=True, text=True, check=True, cwd=str(project)
    )
    os.kill(json.loads(stopped.stdout)["pid"], signal.SIGKILL)
