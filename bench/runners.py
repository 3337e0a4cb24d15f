"""Other programs that run a pipeline of scripts on one machine: make, doit and Luigi.

Each is given the same scripts and the same interpreter, and forgets afterwards what it has done.
doit and Luigi are installed from the package index into an environment of their own, once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

from workspace import PYTHON, ROOT

PACKAGES = ("doit==0.36.0", "luigi==3.8.1")

DOIT = """
def task_step():
    for number in range({count}):
        yield {{
            "name": str(number),
            "actions": ["{python} main.py"],
            "task_dep": ["step:%d" % (number - 1)] if {chained} and number else [],
        }}
"""

LUIGI = """
import subprocess
import luigi

class Step(luigi.Task):
    number = luigi.IntParameter()
    done = False

    def requires(self):
        return [Step(self.number - 1)] if {chained} and self.number else []

    def run(self):
        subprocess.run(["{python}", "main.py"], check=True)
        open("done-%d" % self.number, "w").close()

    def output(self):
        return luigi.LocalTarget("done-%d" % self.number)

if __name__ == "__main__":
    tasks = [Step({count} - 1)] if {chained} else [Step(number) for number in range({count})]
    assert luigi.build(tasks, local_scheduler=True, workers={at_once}, log_level="ERROR")
"""

MAKE = ".PHONY: all {names}\nall: {names}\n{rules}"


def environment() -> Path:
    """The interpreter of the environment that has doit and Luigi."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    folder = target / "bench-venv"
    made = folder / "made"
    if not made.exists() or made.read_text(encoding="utf-8") != " ".join(PACKAGES):
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([PYTHON, "-m", "venv", str(folder)], check=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "--disable-pip-version-check", *PACKAGES], check=True)
        made.write_text(" ".join(PACKAGES), encoding="utf-8")
    return folder / "bin" / "python"


def command(peer: str, python: str, count: int, at_once: int, folder: Path) -> List[str]:
    """The command with which a peer runs `main.py` so often: as a chain, if one at a time."""
    chained = at_once == 1
    facts: Dict[str, object] = {
        "python": python,
        "count": count,
        "chained": chained,
        "at_once": at_once,
    }
    if peer == "shell loop":
        loop = 'for i in $(seq {}); do "$0" main.py; done'
        if not chained:
            loop = "seq {} | xargs -P" + str(at_once) + ' -n1 "$0" main.py'
        return ["sh", "-c", loop.format(count), python]
    if peer == "make":
        names = [f"s{number}" for number in range(count)]
        after = [names[number - 1] if chained and number else "" for number in range(count)]
        line = "{}: {}\n\t@{} main.py\n"
        rules = "".join(line.format(name, last, python) for name, last in zip(names, after))
        text = MAKE.format(names=" ".join(names), rules=rules)
        (folder / "Makefile").write_text(text, encoding="utf-8")
        return ["make", "-s", "-j", str(at_once)]
    if peer == "doit":
        (folder / "dodo.py").write_text(DOIT.format(**facts), encoding="utf-8")
        doit = [str(environment()), "-m", "doit", "-v", "0", "--db-file", ":memory:"]
        doit += ["--backend", "sqlite3"]
        return doit if chained else [*doit, "-n", str(at_once)]
    if peer == "luigi":
        (folder / "flow.py").write_text(LUIGI.format(**facts), encoding="utf-8")
        return [str(environment()), "flow.py"]
    sys.exit(f"error: there is no peer `{peer}`")


def forget(folder: Path) -> None:
    """Have the next run do all again."""
    for left in folder.glob("done-*"):
        left.unlink()
