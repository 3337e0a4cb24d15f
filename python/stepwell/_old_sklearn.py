"""Names and keywords that scikit-learn has lost, given back to the scripts that use them.

`sitecustomize` calls `give_back` in each Python of a step when scikit-learn has been loaded. What
the installed release has by itself stays; what is given back says so once, in the step's log. Not
given back is what would change what comes out, such as `Ridge(normalize=True)`: the error of
scikit-learn itself stays. `STEPWELL_OLD_SKLEARN_NAMES=0` leaves all of it as it is.

The tables are in `_old_sklearn_names`, the functions and methods in `_old_sklearn_functions`.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, List, Optional, Set

from stepwell import _old_sklearn_names as names

_said: Set[str] = set()
_seen: Set[Any] = set()
_release: List[str] = []


def give_back(sklearn: Any) -> None:
    """Have the modules of this scikit-learn, which are loaded later, get what they had.

    Args:
        sklearn: The package, which has just been loaded.
    """
    _release[:] = [str(getattr(sklearn, "__version__", "?"))]
    sys.meta_path.insert(0, _Loaded())
    sys.meta_path.append(_Moved())
    for name in names.MODULES & set(sys.modules):  # the package itself loads some
        _give(sys.modules[name])


def forbidden() -> bool:
    """Whether the step wants scikit-learn as it is.

    An interpreter that is loaded ahead has scikit-learn before it has the step's variables, so this
    is asked at each use.
    """
    return os.environ.get("STEPWELL_OLD_SKLEARN_NAMES") == "0"


def say(gone: str, instead: str) -> None:
    """Say once what is gone and what is done instead."""
    if gone not in _said:
        _said.add(gone)
        sys.stderr.write(f"[stepwell] scikit-learn {_release[0]} has no `{gone}`: {instead}\n")


class _Loaded:
    """Finds the modules that something is given back to as the others do, and gives it to them."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in names.MODULES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((each for each in found if each is not None), None)
        begin = getattr(getattr(spec, "loader", None), "exec_module", None)
        if spec is not None and begin is not None:

            def begin_and_give(module: Any) -> None:
                begin(module)
                _give(module)

            spec.loader.exec_module = begin_and_give  # type: ignore[union-attr,method-assign]
        return spec


class _Moved:
    """Finds, where nobody else does, a module that has become private or has gone into another."""

    def __init__(self, there: str = "") -> None:
        self._there = there

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        there = None if forbidden() else names.where(name)
        if there is None or name == there:
            return None
        from importlib.machinery import ModuleSpec
        from importlib.util import find_spec

        try:
            if find_spec(there) is None:
                return None
        except ImportError:
            return None
        return ModuleSpec(name, _Moved(there))  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> Any:
        return None

    def exec_module(self, module: Any) -> None:
        import importlib

        name = module.__name__
        sys.modules[name] = importlib.import_module(self._there)
        say(name, f"it is `{self._there}`")


def _give(module: Any) -> None:
    from inspect import isclass

    from stepwell import _old_sklearn_functions as functions

    found = vars(module).values()
    kinds: List[Any] = [each for each in found if isclass(each) and each not in _seen]
    for kind in kinds:
        if not str(kind.__module__).startswith("sklearn."):
            continue
        _seen.add(kind)
        if "__init__" in vars(kind):
            _translate(kind)
        if kind.__name__ in names.NAMED_FEATURES and not hasattr(kind, "get_feature_names"):
            kind.get_feature_names = _OldMethod(kind, "get_feature_names")
    functions.take_again(module)
    _answer(module, functions.GONE.get(module.__name__, {}))


def _answer(module: Any, gone: Dict[str, Callable[[Any], Any]]) -> None:
    """Answer for names that a module does not have."""
    asked = vars(module).get("__getattr__")

    def find(name: str) -> Any:
        make = gone.get(name)
        if make is None or forbidden():
            if asked is not None:
                return asked(name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        made = make(module)
        say(f"{module.__name__}.{name}", "it is done as before")
        return made

    if gone:
        module.__getattr__ = find


def _translate(kind: Any) -> None:
    """Have a class take the keywords and the values that it took."""
    from functools import wraps
    from inspect import signature

    changes = names.changes_of(kind.__name__)
    if not changes:
        return
    begin, change = kind.__init__, kind.set_params
    known = set(signature(begin).parameters)
    # Releases that check values say which they take; older ones have not lost any.
    checked = getattr(kind, "_parameter_constraints", {})
    lost = {name: each.lost(name, known, checked) for name, each in changes.items()}
    if not any(lost.values()):
        return

    @wraps(begin)
    def init(self: Any, *args: Any, **keywords: Any) -> None:
        begin(self, *args, **_today(kind.__name__, lost, keywords))

    @wraps(change)
    def set_params(self: Any, **keywords: Any) -> Any:
        return change(self, **_today(kind.__name__, lost, keywords))

    kind.__init__, kind.set_params = init, set_params


def _today(
    kind: str, lost: Dict[str, Optional[names.Today]], given: Dict[str, Any]
) -> Dict[str, Any]:
    """The keywords that a class has today for those that a program gives."""
    if forbidden():
        return given
    made: Dict[str, Any] = {}
    for name, value in given.items():
        today = lost.get(name)
        new = None if today is None else today(value)
        if new is None:
            made[name] = value
            continue
        made.update(new)
        words = ", ".join(f"{each}={value!r}" for each, value in new.items())
        say(f"{kind}({name}={value!r})", f"it is `{words}`" if new else "it is left away")
    return made


class _OldMethod:
    """A method of transformers that is there unless the step forbids it."""

    def __init__(self, kind: Any, name: str) -> None:
        self._kind, self._name = kind, name

    def __get__(self, of: Any, kind: Any = None) -> Any:
        from functools import partial

        from stepwell import _old_sklearn_functions as functions

        if forbidden():
            words = "type object {!r} has no attribute {!r}"
            raise AttributeError(words.format(self._kind.__name__, self._name))
        say(f"{self._kind.__name__}.{self._name}", f"it is `{self._name}_out`")
        return functions.feature_names if of is None else partial(functions.feature_names, of)
