"""The records of the API as types of Python: `wire.py` writes `python/stepwell/_wire.pyi` from
`docs/openapi.json`; `wire.py --check` says whether the file is what it would write.

Only type checkers read the file: there is no module of this name when a program runs.
"""

from __future__ import annotations

import json
import keyword
import sys
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "openapi.json"
LINE_MAX = 100
FILE = ROOT / "python" / "stepwell" / "_wire.pyi"

HEAD = '''"""The records of the API. Made by scripts/wire.py, not to be edited."""

from typing import Any, Dict, List, Literal, Optional, TypedDict, Union

from typing_extensions import NotRequired
'''

PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def reference(schema: Dict[str, Any]) -> str:
    """The name of the type that a schema refers to."""
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def union(kinds: List[str]) -> str:
    """One of several types; `None` among them makes it optional."""
    known = list(dict.fromkeys(each for each in kinds if each != "None"))
    one = known[0] if len(known) == 1 else "Union[{}]".format(", ".join(known))
    return f"Optional[{one}]" if "None" in kinds and one != "Any" else one


def kind_of(schema: Dict[str, Any]) -> str:
    """The type of what fits a schema."""
    if "$ref" in schema:
        return reference(schema)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return union([kind_of(each) for each in schema[choice]])
    if "enum" in schema:
        return "Literal[{}]".format(", ".join(json.dumps(each) for each in schema["enum"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return union([kind_of({**schema, "type": each}) for each in kind])
    if kind == "null":
        return "None"
    if kind == "array":
        return "List[{}]".format(kind_of(schema.get("items") or {}))
    if kind == "object":
        rest = schema.get("additionalProperties")
        return "Dict[str, {}]".format(kind_of(rest) if isinstance(rest, dict) else "Any")
    return PLAIN.get(str(kind), "Any")


def fields(parts: List[Dict[str, Any]]) -> Dict[str, str]:
    """The fields of a record that has several parts."""
    found: Dict[str, str] = {}
    for part in parts:
        for name, schema in part.get("properties", {}).items():
            kind = kind_of(schema)
            found[name] = kind if name in part.get("required", ()) else f"NotRequired[{kind}]"
    return found


def parts_of(schema: Dict[str, Any], all_: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The schema, or those that it is made of; empty when one of them is a choice."""
    if "$ref" in schema:
        return parts_of(all_[reference(schema)], all_)
    if "allOf" in schema:
        parts = [parts_of(each, all_) for each in schema["allOf"]]
        return [part for each in parts for part in each] if all(parts) else []
    return [schema] if "properties" in schema else []


def alias(name: str, kind: str) -> str:
    """Another name of a type; a long one has a line for each of its parts."""
    line = f"{name} = {kind}\n"
    if len(line) <= LINE_MAX:
        return line
    generic, _, parts = kind.rstrip("]").partition("[")
    lines = [f"    {each}," for each in parts.split(", ")]
    return "\n".join([f"{name} = {generic}[", *lines, "]\n"])


def definition(name: str, schema: Dict[str, Any], all_: Dict[str, Any]) -> str:
    """A type of a name."""
    if "oneOf" in schema:
        # Each form of a choice that has fields of its own is a type of its own.
        made, kinds = [], []
        for number, each in enumerate(schema["oneOf"]):
            if parts_of(each, all_) and "$ref" not in each:
                own = f"{name}{number + 1}"
                made.append(definition(own, each, all_))
                kinds.append(own)
            else:
                kinds.append(kind_of(each))
        return "\n".join([*made, alias(name, union(kinds))])
    parts = parts_of(schema, all_)
    if not parts:
        return alias(name, kind_of(schema))
    known = fields(parts)
    if all(each.isidentifier() and not keyword.iskeyword(each) for each in known):
        lines = [f"    {each}: {kind}" for each, kind in known.items()] or ["    pass"]
        return "\n".join([f"class {name}(TypedDict):", *lines, ""])
    entries = [f'        "{each}": {kind},' for each, kind in known.items()]
    lines = [f"{name} = TypedDict(", f'    "{name}",', "    {", *entries, "    },", ")", ""]
    return "\n".join(lines)


def text() -> str:
    """The whole file."""
    all_ = json.loads(DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"]
    return "\n".join([HEAD, *(definition(name, all_[name], all_) for name in sorted(all_))])


def main() -> int:
    """Write the file, or check it."""
    made = text()
    if "--check" not in sys.argv[1:]:
        FILE.write_text(made, encoding="utf-8")
        return 0
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == made:
        return 0
    print("python/stepwell/_wire.pyi is not what docs/openapi.json says: run `make openapi`")
    return 1


if __name__ == "__main__":
    sys.exit(main())
