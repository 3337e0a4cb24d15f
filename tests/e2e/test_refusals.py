"""What the commands say of mistakes: exit code and words, kept in `refusals.txt`.

`UPDATE_REFUSALS=1` writes the file anew: then read what changed, as a user would.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from pathlib import Path

from .bodies import pipeline, shell
from .client import Client
from .project import Project

KEPT = Path(__file__).with_name("refusals.txt")

# What is tried in a folder with one run of the steps `prepare` and `train`, in this order. What
# stands before the command are environment variables.
TRIED = """
stepwell shwo last
stepwell show
stepwell show nope
stepwell show 0000aaaa
stepwell show 00000000-0000-7000-8000-000000000000
stepwell --folder nowhere runs
stepwell --folder run.py runs
STEPWELL_DATA=nothing stepwell show last
stepwell runs --status nonsense
stepwell runs --filter 'status ='
stepwell runs --filter 'colour = red'
stepwell runs --experiment chrun
stepwell runs --limit many
stepwell logs last trian
stepwell logs last 9
stepwell logs last prepare --tail many
stepwell metrics last trian
stepwell why last trian
stepwell cancel nope
stepwell rerun nope
stepwell rerun last --from-failure
stepwell rerun last --from-failure --regenerate
stepwell diff last nope
stepwell open nope
stepwell download last outputs/modl.pkl
stepwell download last --step trian
stepwell run nofile.py
stepwell plan nofile.py
stepwell plan run.py
stepwell graph nofile.py
stepwell graph last -o graph.png
stepwell models show chrun
stepwell models show churn:9
stepwell models download chrun
stepwell datasets show poeple
stepwell published show nightly
stepwell published submit nightly --experiment e
stepwell schedule show nightly
stepwell token create ben --role boss
stepwell token revoke nobody
stepwell gc --older-than long
stepwell snapshot nope
stepwell copy workspaceblobstor:a here
stepwell backup run.py
stepwell restore nope
stepwell doctor nofile.py
stepwell completions csh
stepwell init empty/../run.py
STEPWELL_DATA=other stepwell serve --host 0.0.0.0 --shared
STEPWELL_URL=https://ml.example:8471 stepwell runs
STEPWELL_URL=ml.example STEPWELL_TOKEN=x stepwell runs
STEPWELL_URL=http://127.0.0.1:1 STEPWELL_TOKEN=x stepwell runs
STEPWELL_URL={url} STEPWELL_TOKEN=x stepwell runs
STEPWELL_URL=https://ml.example:8471 STEPWELL_TOKEN=x STEPWELL_CA_FILE=nope.pem stepwell runs
"""


def plain(said: str, project: Project) -> str:
    """The same with what differs from run to run left out."""
    folder = re.escape(str(project.folder))
    said = re.sub(folder + r"(?=[/`'\s])", "(folder)", said)
    said = re.sub(r"127\.0\.0\.1:(?!1\b)\d+", "127.0.0.1:(port)", said)
    said = re.sub(r"process \d+", "process (pid)", said)
    known = r"\b(?!00000000)[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    return re.sub(known, "(id)", said)


def attempt(line: str, project: Project, client: Client) -> str:
    """One command as it is kept: what was typed, the exit code, and what it said."""
    words = shlex.split(line.replace("{url}", client.endpoint.url))
    variables = dict(project.variables)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    command = project.start(*words[1:], env=variables)
    out, err = command.communicate(timeout=60)
    text = [f"$ {line}\n", f"exit {command.returncode}\n"]
    text += [plain(out, project), plain(err, project)]
    return "".join(text).rstrip() + "\n"


def test_mistakes_are_answered_as_they_were(project: Project, client: Client) -> None:
    (project.folder / "run.py").write_text("print('nothing is submitted')\n")
    (project.folder / "empty").mkdir()
    steps = [shell("prepare", "true"), shell("train", "true", after=[0])]
    client.wait(client.submit(pipeline(*steps, experiment="churn"))["id"])
    lines = TRIED.strip().splitlines()
    said = "\n".join(attempt(line, project, client) for line in lines)
    if os.environ.get("UPDATE_REFUSALS"):
        KEPT.write_text(said)
    kept = KEPT.read_text() if KEPT.exists() else ""
    changes = "\n".join(difflib.unified_diff(kept.splitlines(), said.splitlines(), lineterm=""))
    assert said == kept, f"UPDATE_REFUSALS=1 keeps it as it is now:\n{changes}"


def test_every_refusal_says_what_to_do() -> None:
    """Clap's own refusals show the usage; ours have a hint."""
    for case in KEPT.read_text().split("\n$ "):
        command, code = re.search(r"(.*)\nexit (\d+)", case).groups()  # type: ignore[union-attr]
        if code == "0":
            continue
        guided = any(
            word in case for word in ("hint: ", "Usage: ", "tip: ", "For more information")
        )
        assert guided, f"`{command}` does not say what to do:\n{case}"
        assert "panicked" not in case and "Some(" not in case
