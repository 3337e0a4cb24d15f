"""The documents: their links lead somewhere, their code runs, and their lists are complete."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .project import ROOT, Project, binary

PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
)

# Pages whose marked blocks are run; each in a folder of its own.
RUN = ["docs/tutorial.md", "rest.md"]

FENCE = re.compile(
    r"(?P<marked><!-- run -->\n)?^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


# Pages that are made and not kept, with what makes them.
MADE = {"rest.md": "rest_doc", "cli.md": "cli_doc"}


@functools.cache
def made(page: str) -> str:
    """A page that is made."""
    path = ROOT / "scripts" / f"{MADE[page]}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.text())


def text_of(page: Path) -> str:
    """A page's text."""
    return made(page.name) if page.name in MADE else page.read_text()


def without_code(text: str) -> str:
    """What is prose: links in code are none."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    found = set()
    for heading in headings:
        words = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).strip()
        found |= {words.replace(" ", "-"), re.sub(r"[\s-]+", "-", words)}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        is_made = place.parent == ROOT / "docs" and place.name in MADE
        if not is_made and not place.exists():
            broken.append(target)
        elif anchor and place.suffix == ".md":
            if anchor not in anchors(text_of(place)):
                broken.append(target)
    assert not broken


def test_the_navigation_names_pages_that_are_there() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} | set(MADE)
    assert set(re.findall(r": ([\w-]+\.md)\n", navigation)) - pages == set()


@pytest.mark.parametrize("page", RUN)
def test_the_code_of_a_page_runs(page: str, project: Project) -> None:
    blocks = list(FENCE.finditer(text_of(ROOT / page)))
    for block in blocks:
        if block["title"]:
            path = project.folder / block["title"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"])
    commands = [block["text"] for block in blocks if block["marked"]]
    assert commands, "the page has blocks that are run"
    variables = {
        **project.variables,
        "PATH": os.pathsep.join(
            [str(binary().parent), str(Path(sys.executable).parent), os.environ["PATH"]]
        ),
    }
    for command in commands:
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=project.folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    # What a block of the tutorial started in a folder below is stopped as well.
    for inner in project.folder.glob("*/.stepwell"):
        Project(inner.parent).stepwell("stop")


def variables_of_the_code() -> set[str]:
    """The variables that programs read; tests and benches have some of their own."""
    found: set[str] = set()
    for folder in ("crates", "python/stepwell", "python/azureml"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix in (".rs", ".py") and not {"tests", "benches"} & set(path.parts):
                text = re.sub(
                    r"#\[cfg\(test\)\]\s+mod tests \{.*", "", path.read_text(), flags=re.S
                )
                found |= set(re.findall(r"\bSTEPWELL_[A-Z_]*[A-Z]\b", text))
                found |= set(re.findall(r"\b(STEPWELL_[A-Z_]+_)[\"<]", text))
    return {name for name in found if not name.startswith("STEPWELL_SECRET_M")}


def test_every_variable_is_on_the_page_and_in_the_code() -> None:
    page = set(re.findall(r"`(STEPWELL_\w+)", (ROOT / "docs/configuration.md").read_text()))
    code = variables_of_the_code()
    assert code - page == set(), "in the code and not on the page"
    assert page - code == set(), "on the page and not in the code"


def test_the_reference_has_every_route() -> None:
    text = made("rest.md")
    document: Any = json.loads((ROOT / "docs/openapi.json").read_text())
    for path, methods in document["paths"].items():
        if path.startswith("/api/v1/"):
            for method in set(methods) & {"get", "post", "put", "patch", "delete"}:
                assert f"### `{method.upper()} {path}`" in text


def test_the_reference_has_every_command_with_an_example() -> None:
    sections = made("cli.md").split("\n## ")[1:]
    names = [section.split("\n", 1)[0].strip("`") for section in sections]
    assert {"stepwell", "stepwell init", "stepwell models show"} <= set(names)
    groups = {name for name in names if any(other.startswith(name + " ") for other in names)}
    for name, section in zip(names, sections):
        assert "Example" in section or name in groups, f"`{name}` gives no example"
