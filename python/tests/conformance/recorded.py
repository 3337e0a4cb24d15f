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
    with open(os.path.join(_DATA, "train-signatures.json"), encoding="utf-8") as plain:
        recorded_later = json.load(plain)["classes"]
    for name, known in recorded_later.items():
        facts["classes"].setdefault(name, _in_first_form(known))
    return facts


def _in_first_form(known: Dict[str, Any]) -> Dict[str, Any]:
    """A class of the second record, which has values where the first has source texts."""
    kinds = {"method": "instance", "classmethod": "class", "staticmethod": "static"}
    return {
        "constructor": {"params": [_parameter(each) for each in known["constructor"]]},
        "methods": {
            name: {
                "kind": kinds[method["kind"]],
                "params": [_parameter(each) for each in method["params"]],
            }
            for name, method in known["methods"].items()
        },
        "properties": {name: {"settable": None} for name in known["properties"]},
        "inherited_public": {},
    }


def _parameter(known: Dict[str, Any]) -> Dict[str, Any]:
    return {name: repr(value) if name == "default" else value for name, value in known.items()}


def constructor_checks() -> List[Dict[str, str]]:
    """What came of each recorded call."""
    with open(os.path.join(_DATA, "constructor-checks.json"), encoding="utf-8") as file:
        checks: List[Dict[str, str]] = json.load(file)
    return checks


def named(qualified: str) -> Any:
    """The object with a qualified name such as `azureml.core.run.Run`."""
    module, _, name = qualified.rpartition(".")
    return getattr(import_module(module), name)
