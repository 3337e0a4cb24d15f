"""The page `rest.md` of the site, made from docs/openapi.json.

It has every route, what it takes and gives, and who may call it. `make docs` makes it; no file of
it is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parents[1]

HEADING = """\
# REST API

Everything that the SDK, the commands and the dashboard do, they do by these routes. This page is
made from the server's own description; `GET /api/v1/openapi.json` gives that of a server.

Addresses begin with the server's, such as `https://ml.example:8471`. A request carries a token in
the header `Authorization: Bearer TOKEN` ([Access](access.md)); `stepwell connect --json` prints
address and token of the folder's own server.

<!-- run -->
```sh
eval "$(stepwell connect --json | python3 -c '
import json, sys
found = json.load(sys.stdin)
print("URL={url}; TOKEN={token}".format(**found))')"
curl -sf -H "Authorization: Bearer $TOKEN" "$URL/api/v1/runs?limit=1"
```

- Bodies and answers are JSON, unless a route says otherwise. Times are in UTC, as
  `2026-11-01T09:30:00.000Z`.
- Lists come in pages: pass `next` of one as `cursor` for the next.
- A request to start something may carry `Idempotency-Key: TEXT`: repeated with the same text, it
  gives what the first one started.
- A refusal has a body `{"error": {"code", "message", "hint"}}`: [Error codes](errors.md).
- "Role" is the least one that may call a route.
"""


def page(document: dict[str, Any]) -> str:
    """The page."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        if not path.startswith("/api/v1/"):
            continue
        group = path.split("/")[3]
        groups.setdefault(group, []).extend(routes(path, methods, document))
    text = [HEADING]
    for group in sorted(groups):
        text.append(f"\n## {group}\n")
        text.extend(groups[group])
    return "".join(text)


def routes(path: str, methods: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    """A section for each method of an address."""
    for method in ("get", "post", "put", "patch", "delete"):
        if method not in methods:
            continue
        route = methods[method]
        said = [route.get("summary", ""), route.get("description", "")]
        words = " ".join(" ".join(part.split()) for part in said if part)
        access = route.get("x-stepwell-access", {})
        lines = [f"\n### `{method.upper()} {path}`\n", f"\n{words}\n"]
        facts = list(about(route, access, document))
        if facts:
            lines.append("\n" + "\n".join(facts) + "\n")
        yield "".join(lines)


def about(route: dict[str, Any], access: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    """What it takes, gives and needs, a line each."""
    if access.get("role"):
        yield "- Role: `{}`".format(access["role"])
    for parameter in route.get("parameters", []):
        if parameter["in"] == "path":
            continue
        words = " ".join(parameter.get("description", "").split())
        place = "" if parameter["in"] == "query" else " ({})".format(parameter["in"])
        yield "- `{}`{}: {}".format(parameter["name"], place, words or "see above")
    body = route.get("requestBody", {}).get("content", {})
    for kind, content in body.items():
        yield f"- Body: {shape(kind, content, document)}"
    for status, answer in route["responses"].items():
        if status.startswith("2"):
            content = answer.get("content", {})
            shapes = [shape(kind, content[kind], document) for kind in content]
            yield "- {}: {}".format(status, ", ".join(shapes) or answer.get("description", ""))


def shape(kind: str, content: dict[str, Any], document: dict[str, Any]) -> str:
    """What a body or an answer holds: the fields of an object, or the kind of bytes."""
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if not name:
        return f"`{kind}`"
    schema = document["components"]["schemas"].get(name, {})
    required = set(schema.get("required", []))
    fields = schema.get("properties", {})
    if not fields:
        return f"`{name}`"
    shown = ["`{}`{}".format(each, "" if each in required else "?") for each in fields]
    return "`{}` with {}".format(name, ", ".join(shown))


def text() -> str:
    """The page as it is now."""
    return page(json.loads((ROOT / "docs/openapi.json").read_text()))


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """A hook of MkDocs: adds the page to the site."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "rest.md", content=text()))
    return files


if __name__ == "__main__":
    sys.stdout.write(text())
