"""The entry script: how it is imported, called, and what it raises."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import traceback
from typing import Any, Callable, List, Optional

from stepwell._parallel._context import MiniBatchContext


class ScriptError(Exception):
    """The script is not what an entry script must be."""


class EntryScript(object):
    """The user's script: `init()`, `run(mini_batch)` and `shutdown()`; only `run` must be there."""

    def __init__(self, path: str, arguments: List[str]) -> None:
        """Import the script, which finds its arguments in `sys.argv`.

        Raises:
            ScriptError: There is no such file, or it defines no `run`.
        """
        if not os.path.isfile(path):
            raise ScriptError(f"there is no entry script {path} in {os.getcwd()}")
        sys.argv[:] = [path, *arguments]
        for folder in (os.getcwd(), os.path.dirname(os.path.abspath(path))):
            if folder in sys.path:
                sys.path.remove(folder)
            sys.path.insert(0, folder)
        name = os.path.splitext(os.path.basename(path))[0]
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ScriptError(f"the entry script {path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        # What it defines can be pickled by its name.
        sys.modules[name] = module
        spec.loader.exec_module(module)
        run = getattr(module, "run", None)
        if not callable(run):
            raise ScriptError(f"the entry script {path} defines no function run")
        self._run: Callable[..., Any] = run
        self._takes_context = _takes_two(run)
        self._init: Optional[Callable[[], Any]] = getattr(module, "init", None)
        self._shutdown: Optional[Callable[[], Any]] = getattr(module, "shutdown", None)

    def init(self) -> None:
        """Call `init`, if it is there."""
        if self._init is not None:
            self._init()

    def run(self, mini_batch: Any, context: MiniBatchContext) -> Any:
        """Call `run`, with the context if it takes two arguments."""
        if self._takes_context:
            return self._run(mini_batch, context)
        return self._run(mini_batch)

    def shutdown(self) -> None:
        """Call `shutdown`, if it is there."""
        if self._shutdown is not None:
            self._shutdown()


def _takes_two(run: Callable[..., Any]) -> bool:
    try:
        parameters = list(inspect.signature(run).parameters.values())
    except (TypeError, ValueError):  # written in C
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [each for each in parameters if each.kind in places]
    needed = [each for each in positional if each.default is inspect.Parameter.empty]
    named = len(positional) > 1 and positional[1].name in ("mini_batch_context", "context")
    return len(needed) == 2 or named


def in_one_line(error: BaseException) -> str:
    """`ValueError: what it says`, in one line of bounded length."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return " ".join(text.split())[:500]


def traceback_of(error: BaseException) -> str:
    """The traceback, without the frames of the worker around the script."""
    ours = os.path.dirname(os.path.abspath(__file__)) + os.sep
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not os.path.abspath(frame.filename).startswith(ours)
        and "importlib" not in frame.filename
    ]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
    return "".join([*lines, *traceback.format_exception_only(type(error), error)])[-20000:]
