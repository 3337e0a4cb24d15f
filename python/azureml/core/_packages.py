"""Package names inside requirement texts of pip and conda.

Nothing is looked up; two texts are of one package when their names are equal in the index's own
normal form.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterable, List, Tuple

_NAME = re.compile(r"\s*(?:[^\s:]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")
_DASHES = re.compile(r"[-_.]+")
_EGG = re.compile(r"#egg=([A-Za-z0-9._-]+)")
_WITH_PATH = re.compile(r"(-r|--requirement|-c|--constraint|-e|--editable|-f|--find-links)[\s=]+")


def is_option(line: str) -> bool:
    """Whether a line of a pip section is an option, such as `--extra-index-url …`."""
    return line.lstrip().startswith("-")


def package_name(requirement: str) -> str:
    """The name of the package that a requirement asks for, in normal form."""
    egg = _EGG.search(requirement)
    match = egg or _NAME.match(requirement)
    return _DASHES.sub("-", match.group(1)).lower() if match else requirement.strip().lower()


def option_name(option: str) -> str:
    """The flag of an option, without its value."""
    return re.split(r"[\s=]", option.strip(), maxsplit=1)[0]


def anchored(line: str, folder: str) -> str:
    """A line of a pip section whose path holds wherever it is read; `folder` is its file's."""
    option = _WITH_PATH.match(line)
    start = option.end() if option else 0
    value = line[start:].strip()
    is_path = value.startswith(("./", "../")) or value in (".", "..")
    if not is_path and not (option and "://" not in value and not os.path.isabs(value)):
        return line
    path = os.path.normpath(os.path.join(os.path.abspath(folder), value))
    return f"{option.group(1)} {path}" if option else path


def merged(requirements: Iterable[str]) -> List[str]:
    """One requirement for each package: the version bounds of all that name it, joined."""
    heads: Dict[Tuple[str, str], str] = {}
    bounds: Dict[Tuple[str, str], Dict[str, Any]] = {}
    for requirement in requirements:
        text = requirement.strip()
        match = None if is_option(text) or "@" in text else _NAME.match(text)
        head = match.group(0).strip() if match else text
        extras = (match.group(2) or "") if match else ""
        key = (package_name(text) if match else text, extras)
        heads.setdefault(key, head)
        rest = text[len(match.group(0)) :] if match else ""
        found = (each.strip() for each in rest.split(","))
        bounds.setdefault(key, {}).update(dict.fromkeys(each for each in found if each))
    return [head + ",".join(bounds[key]) for key, head in heads.items()]
