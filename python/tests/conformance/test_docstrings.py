"""What an editor shows of the most used classes: parameters, results and errors are explained.

A method whose whole body refuses (what is not there, what Azure alone has) says so in its first
line, and nothing else is asked of it.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest
from most_used import MOST_USED
from recorded import named

# Functions that do nothing but raise.
REFUSALS = ("not_yet", "_no_image", "_refuse")
SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Example):$", re.MULTILINE)
NOTHING = ("None", "NoReturn")


def _methods(kind: Any) -> Iterator[Tuple[str, Any, bool]]:
    """The class's constructor and public methods: name, function, whether it is bound."""
    for name in dir(kind):
        if name.startswith("_") and name != "__init__":
            continue
        owner = next(each for each in kind.__mro__ if name in vars(each))
        static = inspect.getattr_static(kind, name)
        function = getattr(static, "__func__", static)
        if owner.__module__.startswith("azureml.") and inspect.isfunction(function):
            yield name, function, not isinstance(static, staticmethod)


def _body(function: Any) -> List[ast.stmt]:
    """The statements after the docstring."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    return definition.body[1:] if ast.get_docstring(definition) else definition.body


def _only_refuses(body: List[ast.stmt]) -> bool:
    """Whether nothing is done but to raise."""
    if len(body) != 1:
        return False
    (only,) = body
    if isinstance(only, ast.Expr) and isinstance(only.value, ast.Call):
        return isinstance(only.value.func, ast.Name) and only.value.func.id in REFUSALS
    return isinstance(only, ast.Raise)


def _raises(body: List[ast.stmt]) -> bool:
    """Whether it raises itself; `raise` alone passes on what another raised."""
    return any(
        isinstance(node, ast.Raise) and node.exc is not None
        for statement in body
        for node in ast.walk(statement)
    )


def _sections(docstring: str) -> Dict[str, str]:
    parts = SECTION.split(docstring)
    return dict(zip(parts[1::2], parts[2::2]))


def _explained(arguments: str) -> Set[str]:
    """The parameters that a section `Args` explains; one line may be about several."""
    heads = re.findall(r"^ {4}([\w*, ]+):", arguments, re.MULTILINE)
    return {name.strip(" *") for head in heads for name in head.split(",")}


def _faults(kind: Any) -> Iterator[str]:
    in_class = _sections(inspect.cleandoc(kind.__doc__ or ""))
    for name, function, is_bound in _methods(kind):
        where = f"{function.__module__}.{function.__qualname__}"
        body = _body(function)
        if _only_refuses(body):
            continue
        sections = _sections(inspect.cleandoc(function.__doc__ or ""))
        if name == "__init__" and not sections:
            sections = in_class
        known = _explained(sections.get("Args", ""))
        signature = inspect.signature(function)
        for parameter in list(signature.parameters.values())[1 if is_bound else 0 :]:
            is_named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            if is_named and not parameter.name.startswith("_") and parameter.name not in known:
                yield f"{where}: Args does not explain {parameter.name}"
        if signature.return_annotation not in NOTHING and not {"Returns", "Yields"} & set(sections):
            yield f"{where}: there is no Returns"
        if _raises(body) and "Raises" not in sections:
            yield f"{where}: there is no Raises"


@pytest.mark.parametrize("qualified", MOST_USED)
def test_parameters_results_and_errors_are_explained(qualified: str) -> None:
    faults = list(_faults(named(qualified)))
    assert not faults, "\n".join(faults)
