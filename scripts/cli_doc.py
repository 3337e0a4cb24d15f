"""The page `cli.md` of the site: what every command's `--help` says.

`make docs` makes it with the program that `STEPWELL_BIN` names, else the one that was built here or
is on the PATH; no file of it is kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parents[1]

HEADING = """\
# Command line

What every command's `--help` says, on one page.
"""


def program() -> str:
    """The program that is asked."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    places = [
        os.environ.get("STEPWELL_BIN"),
        target / "debug/stepwell",
        target / "release/stepwell",
    ]
    for place in places:
        if place and Path(place).is_file():
            return str(place)
    found = shutil.which("stepwell")
    if found is None:
        raise SystemExit("error: there is no `stepwell` to ask\n\nhint: `make build` builds it")
    return found


def sections(asked: str, words: tuple[str, ...] = ()) -> Iterator[str]:
    """A section for a command, and those of the commands below it."""
    variables = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        [asked, *words, "--help"],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    name = " ".join(("stepwell", *words))
    yield "\n## `{}`\n\n```text\n{}\n```\n".format(name, "\n".join(lines).rstrip())
    below = re.search(r"^Commands:\n(.*?)\n\n", done.stdout, re.DOTALL | re.MULTILINE)
    for line in below.group(1).splitlines() if below else ():
        command = re.match(r"  (\S+)", line)
        if command and command.group(1) != "help":
            yield from sections(asked, (*words, command.group(1)))


def text() -> str:
    """The page as it is now."""
    return HEADING + "".join(sections(program()))


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """A hook of MkDocs: adds the page to the site."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "cli.md", content=text()))
    return files


if __name__ == "__main__":
    sys.stdout.write(text())
