"""What of Azure ML a program uses, and whether it works: `python -m stepwell._compatibility`.

Programs are parsed, never run. Each import from `azureml`, each member of an imported class and
each keyword of a call is looked up in the packages that are installed here: it works, it differs
(with the page that says how), or it is missing. `stepwell doctor PROGRAM` runs this.

What cannot be known without running, such as the class of what a function returns, is not listed;
a name that is listed as missing is missing.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import os
import pkgutil
import sys
from importlib import import_module
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

WORKS, DIFFERS, MISSING = "works", "differs", "missing"
STATES = (MISSING, DIFFERS, WORKS)
PACKAGES = ("azureml", "azureml_user")
# What works in another way than programs may expect, with the page that says how.
DIFFERENT = {
    "azureml.core.compute": "compatibility.md",
    "azureml.core.webservice": "compatibility.md",
    "azureml.train.automl": "automl.md",
    "azureml.train.hyperdrive": "hyperdrive.md",
    "azureml.train.estimator": "steps.md",
    "azureml.train.sklearn": "steps.md",
    "azureml.train.dnn": "steps.md",
    "azureml.pipeline.steps.kusto_step": "steps.md",
    "azureml.pipeline.steps.azurebatch_step": "steps.md",
    "azureml.pipeline.steps.mpi_step": "steps.md",
    "azureml.pipeline.steps.r_script_step": "steps.md",
    "azureml.pipeline.steps.automl_step": "automl.md",
    "azureml.pipeline.steps.hyper_drive_step": "hyperdrive.md",
}
SKIPPED_FOLDERS = {".git", ".venv", "venv", "node_modules", "__pycache__", ".stepwell"}


class Use(NamedTuple):
    """Something of Azure ML that a program uses."""

    name: str
    """`module.Name`, `Class.method`, or `Class(keyword)`."""
    state: str
    note: str
    """The page, or what to do."""


class Found(NamedTuple):
    """A use with the places that have it."""

    use: Use
    places: List[str]


def examine(path: str) -> Tuple[List[Found], List[str]]:
    """What the programs at a path use, worst first, and the files that cannot be read."""
    found: Dict[str, Found] = {}
    unreadable: List[str] = []
    for file in sorted(_programs(path)):
        for start, source in _sources(file):
            try:
                tree = ast.parse(source)
            except (SyntaxError, ValueError):
                unreadable.append(file)
                continue
            for line, use in _Reader().uses(tree):
                place = f"{file}:{line + start}"
                found.setdefault(use.name, Found(use, [])).places.append(place)
    ordered = sorted(found.values(), key=lambda each: (STATES.index(each.use.state), each.use.name))
    return ordered, unreadable


def _programs(path: str) -> Iterator[str]:
    if os.path.isfile(path):
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = [each for each in folders if each not in SKIPPED_FOLDERS]
        for file in files:
            if file.endswith((".py", ".ipynb")):
                yield os.path.join(folder, file)


def _sources(file: str) -> List[Tuple[int, str]]:
    """The Python of a file with the line it begins at; of a notebook, of each of its cells."""
    with open(file, encoding="utf-8", errors="replace") as content:
        text = content.read()
    if not file.endswith(".ipynb"):
        return [(0, text)]
    try:
        cells = json.loads(text).get("cells", [])
    except ValueError:
        return [(0, text)]
    code = ["".join(each.get("source", [])) for each in cells if each.get("cell_type") == "code"]
    # All cells are one program; what only a notebook understands is left out.
    lines = [line for cell in code for line in cell.splitlines()]
    kept = ["" if line.lstrip().startswith(("%", "!")) else line for line in lines]
    return [(0, "\n".join(kept))]


class _Reader(object):
    """Reads one program."""

    def __init__(self) -> None:
        self._names: Dict[str, Any] = {}
        """What each name of the program stands for, as far as that is known."""
        self._instances: Dict[str, type] = {}

    def uses(self, tree: ast.AST) -> Iterator[Tuple[int, Use]]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and _is_ours(node.module) and not node.level:
                for alias in node.names:
                    yield node.lineno, self._imported(str(node.module), alias)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if _is_ours(alias.name):
                        yield node.lineno, self._module(alias)
        self._bind(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                use = self._attribute(node)
                if use is not None:
                    yield node.lineno, use
            if isinstance(node, ast.Call):
                for use in self._keywords(node):
                    yield node.lineno, use

    def _module(self, alias: ast.alias) -> Use:
        value = _load(alias.name)
        if value is None:
            return Use(alias.name, MISSING, "there is no such module here")
        self._names[alias.asname or alias.name.split(".")[0]] = _load(
            alias.name if alias.asname else alias.name.split(".")[0]
        )
        return _judged(alias.name, alias.name, value)

    def _imported(self, module: str, alias: ast.alias) -> Use:
        name = f"{module}.{alias.name}"
        loaded = _load(module)
        if loaded is None:
            return Use(name, MISSING, f"there is no module {module} here")
        if alias.name == "*":
            return _judged(module, module, loaded)
        value = getattr(loaded, alias.name, None) or _load(name)
        if value is None and not hasattr(loaded, alias.name):
            return Use(name, MISSING, f"{module} has no such name here")
        self._names[alias.asname or alias.name] = value
        return _judged(name, module, value)

    def _bind(self, tree: ast.AST) -> None:
        """Find variables that are objects of imported classes, where all assignments agree."""
        assigned: Dict[str, Set[Optional[type]]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, set()).add(self._class_of(node.value))
        for name, kinds in assigned.items():
            (kind,) = kinds if len(kinds) == 1 else (None,)
            if kind is not None and name not in self._names:
                self._instances[name] = kind

    def _class_of(self, value: ast.expr) -> Optional[type]:
        """The class of what an expression makes, if it is a call of an imported class."""
        if not isinstance(value, ast.Call):
            return None
        called = self._value(value.func)
        if isinstance(called, type):
            return called
        if inspect.isfunction(called) or inspect.ismethod(called):
            return _returned(called)
        return None

    def _value(self, node: ast.expr) -> Any:
        """What a name or a dotted name stands for; `None` when that is not known."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Attribute):
            holder = self._value(node.value)
            if holder is None and isinstance(node.value, ast.Name):
                holder = self._instances.get(node.value.id)
            if holder is None or _sentence(holder):
                return None
            return getattr(holder, node.attr, None)
        return None

    def _attribute(self, node: ast.Attribute) -> Optional[Use]:
        holder: Any = self._value(node.value)
        if holder is None and isinstance(node.value, ast.Name):
            holder = self._instances.get(node.value.id)
        if not isinstance(holder, type) or not _is_ours(holder.__module__) or _sentence(holder):
            return None
        name = f"{holder.__name__}.{node.attr}"
        is_set = isinstance(node.ctx, ast.Store) or _has(holder, node.attr)
        if is_set or any(_has(kind, node.attr) for kind in _kinds(holder)):
            return _judged(name, holder.__module__, getattr(holder, node.attr, None))
        return Use(name, MISSING, f"{holder.__name__} has no such member here")

    def _meant(self, function: ast.expr, called: Any) -> List[Any]:
        """What a call may call: the method of an object's class, and those of classes below it."""
        if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
            return [called]
        kind = self._instances.get(function.value.id)
        if kind is None:
            return [called]
        found = [getattr(each, function.attr, None) for each in _kinds(kind)]
        return [each for each in found if each is not None] or [called]

    def _keywords(self, node: ast.Call) -> Iterator[Use]:
        called = self._value(node.func)
        if called is None or _sentence(called) or not _is_ours(getattr(called, "__module__", None)):
            return
        parameters: Dict[str, inspect.Parameter] = {}
        for each in self._meant(node.func, called):
            try:
                parameters.update(inspect.signature(each).parameters)
            except (TypeError, ValueError):
                return
        if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
            return
        owner = getattr(called, "__qualname__", getattr(called, "__name__", ""))
        for keyword in node.keywords:
            if keyword.arg is not None and keyword.arg not in parameters:
                name = f"{owner}({keyword.arg}=)"
                yield Use(name, MISSING, "there is no such argument here")


def _has(kind: type, name: str) -> bool:
    known = hasattr(kind, name) or hasattr(kind, "__getattr__")
    return known or name in _set_in_constructor(kind)


def _kinds(holder: type) -> List[type]:
    """A class and those below it: what says that it is a `ComputeTarget` may be an `AmlCompute`."""
    package = sys.modules[holder.__module__.rpartition(".")[0]]
    for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
        _load(f"{package.__name__}.{module.name}")
    found, todo = [], [holder]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo.extend(kind.__subclasses__())
    return found


def _judged(name: str, module: str, value: Any) -> Use:
    sentence = _sentence(value)
    if sentence:
        return Use(name, MISSING, sentence)
    home = getattr(value, "__module__", None) or module
    for prefix, page in DIFFERENT.items():
        if home == prefix or home.startswith(prefix + ".") or module.startswith(prefix + "."):
            return Use(name, DIFFERS, "docs/" + page)
    return Use(name, WORKS, "")


def _sentence(value: Any) -> str:
    """What using a name that does not work says; empty for names that do."""
    from azureml._unsupported import Unsupported

    if isinstance(value, type) and issubclass(value, Unsupported):
        # Some cannot be made, and have class methods that work.
        own = [name for name in vars(value) if not name.startswith("_") and name != "sentence"]
        return "" if own else value.sentence
    return str(getattr(value, "sentence", "")) if inspect.isfunction(value) else ""


def _returned(function: Any) -> Optional[type]:
    """The class that a function says it returns, if it is one of ours."""
    text = getattr(function, "__annotations__", {}).get("return")
    if not isinstance(text, str) or not text.isidentifier():
        return None
    found = getattr(sys.modules.get(function.__module__), text, None)
    return found if isinstance(found, type) else None


def _set_in_constructor(kind: type) -> Set[str]:
    """The attributes that objects of a class get when they are made."""
    found: Set[str] = set()
    for each in kind.__mro__:
        try:
            tree = ast.parse(inspect.getsource(sys.modules[each.__module__]))
        except (KeyError, OSError, TypeError, SyntaxError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name == each.__name__:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                        found.add(inner.attr)
    return found


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        return None


def _is_ours(module: Optional[str]) -> bool:
    return module is not None and module.split(".")[0] in PACKAGES


def report(found: Sequence[Found], unreadable: Sequence[str]) -> str:
    """The findings for people."""
    lines = []
    width = max([len(each.use.name) for each in found] or [0])
    for use, places in found:
        if use.state == WORKS:
            continue
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        lines.append("{:<8} {:<{}}  {}".format(use.state, use.name, width, use.note))
        lines.append("{:<8} {:<{}}  {}{}".format("", "", width, places[0], more))
    for file in unreadable:
        lines.append(f"note     {file} is no Python that can be read")
    count = {state: sum(each.use.state == state for each in found) for state in STATES}
    lines.append(
        f"{len(found)} names of Azure ML: {count[WORKS]} work, {count[DIFFERS]} differ, "
        f"{count[MISSING]} are missing"
    )
    return "\n".join(lines) + "\n"


def main(words: Sequence[str]) -> int:
    """Print the findings; 1 when something is missing."""
    parser = argparse.ArgumentParser(prog="stepwell doctor")
    parser.add_argument("path")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(words)
    found, unreadable = examine(given.path)
    missing = sum(each.use.state == MISSING for each in found)
    if given.json:
        uses = [{**each.use._asdict(), "places": each.places} for each in found]
        text = json.dumps({"uses": uses, "unreadable": unreadable, "missing": missing}, indent=2)
        sys.stdout.write(text + "\n")
    else:
        sys.stdout.write(report(found, unreadable))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
