"""YAML that others wrote: read with a bound on its nesting, so that no file ends the reader.

Invariant: whatever a file holds, the outcome is its content or a `yaml.YAMLError`.
"""

from __future__ import annotations

from typing import Any

from stepwell._windows_paths import here

NESTING_MAX = 100


def load(text: str) -> Any:
    """The content of a text.

    Raises:
        yaml.YAMLError: It is not YAML, or is nested too deeply.
    """
    import yaml

    # The parser in C is ten times as fast; not every build of PyYAML has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    # Events come one by one, whatever the nesting; a document is made by functions that call
    # themselves.
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > NESTING_MAX:
                raise yaml.YAMLError(f"lists and mappings are nested more than {NESTING_MAX} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return yaml.load(text, Loader=loader)


def load_file(path: str) -> Any:
    """The content of a file.

    Raises:
        OSError: It cannot be read.
        yaml.YAMLError: It is not YAML, is nested too deeply, or is no text.
    """
    import yaml

    try:
        with open(here(path), encoding="utf-8") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise yaml.YAMLError(f"it is no text in UTF-8: {error}") from error
    return load(text)
