"""Packages that datasets can use and that nobody must have."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from azureml.exceptions import UserErrorException


def pandas(what: str) -> Any:
    """The package pandas, for `what`."""
    return needed("pandas", what)


def needed(package: str, what: str) -> Any:
    """A package.

    Raises:
        UserErrorException: It is not installed; the error says how to install it.
    """
    try:
        return import_module(package)
    except ImportError:
        raise UserErrorException(
            f"{what} needs {package}: pip install {package}; in a step, name it in the environment"
        ) from None


def check_parquet(what: str) -> None:
    """Make sure that pandas can read and write Parquet."""
    try:
        import_module("fastparquet")
    except ImportError:
        needed("pyarrow", what)
