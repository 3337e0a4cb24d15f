"""Fixtures: a fresh folder for each test, which must leave no process behind; clusters."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Iterator

import pytest

from .client import Client
from .disk import SmallDisk
from .project import Project, binary
from .ray import Ray
from .slurm import Slurm


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    if not binary().exists():
        pytest.exit(f"there is no {binary()}: run `cargo build`, or set STEPWELL_BIN", 2)


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Whoever starts the tests in the background has them ignore Ctrl-C, and so all they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A user's folder with a server of its own."""
    project = Project(tmp_path)
    yield project
    project.close()


@pytest.fixture
def client(project: Project) -> Client:
    """REST of the project's server."""
    return project.client


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk where the project's data are to be."""
    mounted = SmallDisk.mount(tmp_path / ".stepwell", megabytes=4)
    if mounted is None:
        pytest.skip("mounting is not permitted")
    yield mounted
    mounted.unmount()


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """One cluster for all tests of a module."""
    cluster = Slurm()
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def ray() -> Iterator[Ray]:
    """One cluster for all tests of a module."""
    cluster = Ray()
    yield cluster
    cluster.close()
