"""Reads the recorded facts of the Azure ML SDK v1 that lie in `data/`."""

from __future__ import annotations

import gzip
import json
import os
from importlib import import_module
from typing import Any, Dict, List

_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def signatures() -> Dict[str, Dict[str, Any]]:
    """`modules` by name and `classes` by qualified name."""
    with gzip.open(os.path.join(_DATA, "signatures.json.gz"), "rt", encoding="utf-8") as file:
        facts: Dict[str, Dict[str, Any]] = json.load(file)
    return facts


def constructor_checks() -> List[Dict[str, str]]:
    """What came of each recorded call."""
    with open(os.path.join(_DATA, "constructor-checks.json"), encoding="utf-8") as file:
        checks: List[Dict[str, str]] = json.load(file)
    return checks


def named(qualified: str) -> Any:
    """The object with a qualified name such as `azureml.core.run.Run`."""
    module, _, name = qualified.rpartition(".")
    return getattr(import_module(module), name)
