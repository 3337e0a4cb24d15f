"""Fixtures for tests against the real server.

`served` is a folder with an embedded server of its own, started once for all tests by the real
binary. Tests that need it are skipped where the binary has not been built; set `STEPWELL_BIN` to
name another one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVER_VARIABLES = ("STEPWELL_URL", "STEPWELL_TOKEN", "STEPWELL_DATA", "STEPWELL_CAPTURE")


def _binary() -> Path:
    named = os.environ.get("STEPWELL_BIN")
    return Path(named) if named else ROOT / "target" / "debug" / "stepwell"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an embedded server, which is stopped after the last test."""
    binary = _binary()
    if not binary.exists():
        pytest.skip("the binary is not built: cargo build -p stepwell-cli")
    folder = tmp_path_factory.mktemp("served")
    patch = pytest.MonkeyPatch()
    for variable in SERVER_VARIABLES:
        patch.delenv(variable, raising=False)
    patch.setenv("STEPWELL_BIN", str(binary))
    patch.setenv("STEPWELL_DATA", str(folder / ".stepwell"))
    subprocess.run([str(binary), "connect", "--folder", str(folder), "--json"], check=True)
    yield folder
    subprocess.run([str(binary), "stop", "--folder", str(folder)], check=False)
    patch.undo()


@pytest.fixture
def project(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh working directory, whose programs speak to the server of `served`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["program.py"])
    return tmp_path
