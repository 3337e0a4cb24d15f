"""Working classes take what they took: parameters, their order, kinds and defaults."""

from __future__ import annotations

import ast
import inspect
from typing import Any, Dict, List, Optional, Tuple

import pytest
from recorded import named, signatures
from working import WORKING

CLASSES = signatures()["classes"]
ABSENT = object()

# Defaults that the original writes as a name; what the name stands for is part of the interface.
SYMBOLS: Dict[str, Any] = {
    "sys.maxsize": __import__("sys").maxsize,
    "DIRECT_MODE": "direct",
    "MOUNT_MODE": "mount",
    "MAX_DURATION_MINUTES": 10080,
    "MAX_DURATION_SECONDS_DEFAULT": 2592000,
    "ViewType.ActiveOnly": "ActiveOnly",
    "dict()": {},
    "[]": [],
    "{}": {},
}

Parameter = Tuple[str, str, Any]


def recorded_parameters(function: Dict[str, Any]) -> List[Parameter]:
    """Name, kind and default of each parameter as it was."""
    return [
        (each["name"], each["kind"], default_of(each.get("default"))) for each in function["params"]
    ]


def default_of(text: Optional[str]) -> Any:
    """The value of a recorded default; an enumeration's member is known by its name."""
    if text is None:
        return ABSENT
    if text in SYMBOLS:
        return SYMBOLS[text]
    try:
        return ast.literal_eval(text)
    except ValueError:
        return Symbol(text)


class Symbol:
    """A default that is written as a name; equal to an enumeration's member of that name."""

    def __init__(self, text: str) -> None:
        self.name = text.rpartition(".")[2]

    def __eq__(self, other: Any) -> bool:
        return other is not ABSENT and getattr(other, "name", self.name) == self.name

    def __repr__(self) -> str:
        return self.name


def our_parameters(function: Any, bound: bool) -> List[Parameter]:
    """Name, kind and default of each parameter as it is; without `self` where there is one."""
    parameters = list(inspect.signature(function).parameters.values())[1 if bound else 0 :]
    empty = inspect.Parameter.empty
    return [
        (each.name, each.kind.name.lower(), ABSENT if each.default is empty else each.default)
        for each in parameters
    ]


def check_parameters(where: str, ours: List[Parameter], recorded: List[Parameter]) -> None:
    assert [each[:2] for each in ours] == [each[:2] for each in recorded], where
    for (name, _, our_default), (_, _, default) in zip(ours, recorded):
        assert default == our_default, f"{where}({name})"
        if not isinstance(default, Symbol):
            assert type(default) is type(our_default), f"{where}({name})"


def test_a_working_class_is_listed_once_and_recorded() -> None:
    assert len(set(WORKING)) == len(WORKING)
    assert [name for name in WORKING if name not in CLASSES] == []


@pytest.mark.parametrize("qualified", WORKING)
def test_the_constructor_takes_what_it_took(qualified: str) -> None:
    recorded = CLASSES[qualified]["constructor"]
    if recorded is None:
        return
    kind = named(qualified)
    check_parameters(qualified, our_parameters(kind.__init__, True), recorded_parameters(recorded))


@pytest.mark.parametrize("qualified", WORKING)
def test_the_methods_take_what_they_took(qualified: str) -> None:
    kind = named(qualified)
    for name, recorded in CLASSES[qualified]["methods"].items():
        where = f"{qualified}.{name}"
        assert hasattr(kind, name), where
        if name.startswith("_"):
            continue
        method = inspect.getattr_static(kind, name)
        is_static = isinstance(method, staticmethod)
        is_class = isinstance(method, classmethod)
        bound_by = "static" if is_static else "class" if is_class else "instance"
        assert bound_by == recorded["kind"], where
        function = method.__func__ if is_static or is_class else method
        check_parameters(
            where, our_parameters(function, not is_static), recorded_parameters(recorded)
        )


@pytest.mark.parametrize("qualified", WORKING)
def test_the_properties_read_and_set_as_they_did(qualified: str) -> None:
    kind = named(qualified)
    for name, recorded in CLASSES[qualified]["properties"].items():
        ours = inspect.getattr_static(kind, name, None)
        where = f"{qualified}.{name}"
        assert isinstance(ours, property), where
        if recorded["settable"] is not None:
            assert (ours.fset is not None) == recorded["settable"], where


@pytest.mark.parametrize("qualified", WORKING)
def test_the_inherited_names_are_there(qualified: str) -> None:
    kind = named(qualified)
    inherited = CLASSES[qualified]["inherited_public"].items()
    # What came from the original's telemetry was never meant for programs.
    wanted = [name for name, home in inherited if not home.startswith("azureml._logging.")]
    assert [name for name in wanted if not hasattr(kind, name)] == []
