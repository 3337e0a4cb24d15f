"""A workspace without a server, and folders with scripts in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeWorkspace


@pytest.fixture
def workspace() -> FakeWorkspace:
    """A workspace whose client writes down what it is sent."""
    return FakeWorkspace()


@pytest.fixture(autouse=True)
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that holds `s.py`, so that steps need not name a folder."""
    (tmp_path / "s.py").write_text("print('ran')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path
