"""Executes a notebook: `python -m stepwell._notebook_run --notebook IN.ipynb --output OUT.ipynb`.

papermill does it, with this Python as the kernel of every Python notebook, whatever kernel the
notebook names. What ran is written also when a cell fails. Values that the notebook recorded with
scrapbook or papermill become metrics of the run. What fails is named with what to do; the exit
code is 1 for a cell, 2 for anything before.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import inspect
import json
import logging
import os
import re
import sys
import tempfile
import warnings
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

NEEDED = ("papermill", "ipykernel")
SCRAP = "application/scrapbook.scrap.json+json"
RECORD = "application/papermill.record+json"
_KERNEL_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
_COLORS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def main(words: Sequence[str]) -> int:
    """Execute the notebook; returns the exit code."""
    options = _parser().parse_args(words)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return _fail(
            f"{sys.executable} has no package `{missing[0]}`, which executes notebooks",
            "name papermill and ipykernel among the packages of the environment",
        )
    if not os.path.isfile(options.notebook):
        return _fail(
            f"there is no notebook `{options.notebook}` in the step's files",
            "is it in the source directory, and not ignored by .amlignore?",
        )
    settings: Dict[str, Any] = json.loads(options.settings)
    history = settings.pop("history", True)
    folder = os.path.dirname(options.output)
    if folder:
        os.makedirs(folder, exist_ok=True)
    try:
        return _execute(options.notebook, options.output, _parameters(options), settings)
    finally:
        if history and os.path.isfile(options.output):
            _log(options.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stepwell._notebook_run", allow_abbrev=False)
    parser.add_argument("--notebook", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--settings", default="{}")
    parser.add_argument("--parameters", default="{}")
    for kind in ("text", "literal"):
        parser.add_argument("--" + kind, nargs=2, action="append", default=[])
    return parser


def _parameters(options: argparse.Namespace) -> Dict[str, Any]:
    """The values of the notebook's parameters by name."""
    made: Dict[str, Any] = dict(options.text)
    made.update({name: _literal(text) for name, text in options.literal})
    made.update(json.loads(options.parameters))
    for name in [name for name in made if not name.isidentifier()]:
        print(f"note: `{name}` is no name that a notebook can have; its value is left out")
        del made[name]
    return made


def _literal(text: str) -> Any:
    """The number or truth value that a text is; the text itself when it is none."""
    try:
        return ast.literal_eval(text.capitalize() if text in ("true", "false") else text)
    except (ValueError, SyntaxError):
        return text


def _execute(
    notebook: str, output: str, parameters: Dict[str, Any], settings: Dict[str, Any]
) -> int:
    import papermill

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    # An output of a step is named as the step says.
    warnings.filterwarnings("ignore", message="the file is not specified with any extension")
    known = inspect.signature(papermill.execute_notebook).parameters
    takes_more = any(each.kind is each.VAR_KEYWORD for each in known.values())
    with tempfile.TemporaryDirectory() as folder:
        settings["kernel_name"], language = _kernel(notebook, settings.get("kernel_name"), folder)
        if "language" in known:
            settings["language"] = language
        given = {name: each for name, each in settings.items() if takes_more or name in known}
        os.environ["JUPYTER_PATH"] = os.pathsep.join(
            filter(None, [folder, os.environ.get("JUPYTER_PATH")])
        )
        try:
            papermill.execute_notebook(notebook, output, parameters=parameters, **given)
        except papermill.PapermillExecutionError as failed:
            sys.stderr.write(_COLORS.sub("", _traceback(failed, notebook)))
            return 1
    return 0


def _traceback(failed: Any, notebook: str) -> str:
    """A failure of a cell as a traceback, so that it is shown as one of a script is."""
    lines: List[str] = [str(each) for each in failed.traceback]
    return "Traceback (most recent call last):\n  cell {} of {}\n{}\n".format(
        failed.exec_count, notebook, "\n".join(lines)
    )


def _kernel(notebook: str, wanted: Any, folder: str) -> Tuple[str, str]:
    """The kernel for a notebook and its language; for Python it is made of this interpreter."""
    with open(notebook, encoding="utf-8") as file:
        metadata = json.load(file).get("metadata") or {}
    spec: Mapping[str, Any] = metadata.get("kernelspec") or {}
    language = spec.get("language") or (metadata.get("language_info") or {}).get("name", "python")
    name = str(wanted or spec.get("name") or "python3")
    if language.lower() not in ("python", "ipython"):
        return name, language
    if not _KERNEL_NAME.match(name):
        name = "python3"
    place = os.path.join(folder, "kernels", name.lower())
    os.makedirs(place)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    with open(os.path.join(place, "kernel.json"), "w", encoding="utf-8") as file:
        json.dump({"argv": argv, "display_name": name, "language": "python"}, file)
    return name, "python"


def _log(path: str) -> None:
    """Log what a notebook recorded to the run that this process belongs to."""
    with open(path, encoding="utf-8") as file:
        values = dict(_recorded(json.load(file)))
    if not values:
        return
    from azureml.core import Run

    run = Run.get_context()
    for name, value in values.items():
        if isinstance(value, list):
            run.log_list(name, value)
        else:
            run.log(name, value if _is_scalar(value) else json.dumps(value))
    run.flush()


def _recorded(notebook: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
    """The values that a notebook recorded, by name."""
    for cell in notebook.get("cells", []):
        for output in cell.get("outputs", []):
            data = output.get("data") or {}
            if SCRAP in data:
                yield data[SCRAP]["name"], data[SCRAP].get("data")
            yield from (data.get(RECORD) or {}).items()


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def _fail(sentence: str, hint: str) -> int:
    sys.stderr.write(f"error: {sentence}\nhint: {hint}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
