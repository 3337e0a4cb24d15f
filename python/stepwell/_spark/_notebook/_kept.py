"""The executed notebook, kept as `.ipynb` and as one HTML page.

Both are written again after each cell, by renaming, so a notebook that is killed leaves what it
did. HTML that user code puts out stands in a frame without rights to the page around it.
"""

from __future__ import annotations

import html
import json
import os
import re
from typing import Any, Dict, List

from stepwell._spark._notebook._outputs import Output
from stepwell._spark._notebook._source import Cell, Notebook

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#1b1f24}
pre{font:13px/1.45 ui-monospace,monospace;margin:0;padding:.6em .8em}
pre{overflow:auto;white-space:pre-wrap}
.code{background:#f4f6f8;border-left:3px solid #9aa7b4}.error pre{background:#fdecea}
section{margin:1.2em 0}h2{font-size:1em;margin:.3em 0}.number{color:#667;font-size:.85em}
iframe{border:0;width:100%;height:24em}img{max-width:100%}
"""


class Kept(object):
    """The files of one executed notebook."""

    def __init__(self, folder: str, name: str, notebook: Notebook) -> None:
        self._base = os.path.join(folder, name)
        self._notebook = notebook
        self._outputs: Dict[int, List[Output]] = {}
        self._order: List[int] = []
        os.makedirs(folder, exist_ok=True)

    def begin(self, cell: Cell, outputs: List[Output]) -> None:
        """The cell runs from now on, and fills this list."""
        self._outputs[cell.number] = outputs
        self._order.append(cell.number)

    def write(self) -> None:
        """Write both files."""
        _replace(self._base + ".ipynb", json.dumps(self.document(), indent=1, ensure_ascii=False))
        _replace(self._base + ".html", self.page())

    def document(self) -> Dict[str, Any]:
        """The notebook in Jupyter's format 4.5."""
        cells = []
        for cell in self._notebook.cells:
            raw: Dict[str, Any] = {
                "id": f"cell-{cell.number}",
                "cell_type": "markdown" if cell.language == "markdown" else "code",
                "metadata": {"title": cell.title} if cell.title else {},
                "source": cell.text if cell.language == "markdown" else cell.source,
            }
            if cell.language != "markdown":
                done = cell.number in self._outputs
                raw["execution_count"] = self._order.index(cell.number) + 1 if done else None
                raw["outputs"] = list(self._outputs.get(cell.number, []))
            cells.append(raw)
        metadata = dict(self._notebook.metadata)
        metadata.setdefault("language_info", {"name": self._notebook.language})
        return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}

    def page(self) -> str:
        """The notebook as HTML."""
        title = html.escape(os.path.basename(self._notebook.path))
        parts = [
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>',
            title,
            "</title><style>",
            _STYLE,
            "</style></head><body><h1>",
            title,
            "</h1>",
        ]
        for cell in self._notebook.cells:
            parts.append("<section>")
            if cell.title:
                parts.append(f"<h2>{html.escape(cell.title)}</h2>")
            if cell.language == "markdown":
                parts.append(_markdown(cell.text))
            else:
                parts.append(f'<div class="number">cell {cell.number}</div>')
                parts.append(f'<div class="code">{_pre(cell.source)}</div>')
                parts += [_output(each) for each in self._outputs.get(cell.number, [])]
            parts.append("</section>")
        parts.append("</body></html>\n")
        return "".join(parts)


def _output(output: Output) -> str:
    if output["output_type"] == "stream":
        return _pre(output["text"])
    if output["output_type"] == "error":
        return '<div class="error">{}</div>'.format(_pre("\n".join(output["traceback"])))
    data = output["data"]
    if "image/png" in data:
        return '<img alt="" src="data:image/png;base64,{}">'.format(html.escape(data["image/png"]))
    if "text/html" in data:
        return '<iframe sandbox="allow-scripts" srcdoc="{}"></iframe>'.format(
            html.escape(data["text/html"], quote=True)
        )
    return _pre(data.get("text/plain", ""))


def _pre(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>"


def _markdown(text: str) -> str:
    """Headings and paragraphs; everything else of Markdown stays as it was written."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        heading = re.match(r"(#{1,6})\s+([^\n]*)\n?", block)
        if heading:
            level = len(heading.group(1))
            blocks.append(f"<h{level}>{html.escape(heading.group(2))}</h{level}>")
            block = block[heading.end() :]
        if block.strip():
            blocks.append("<p>{}</p>".format(html.escape(block).replace("\n", "<br>")))
    return "".join(blocks)


def _replace(path: str, text: str) -> None:
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, path)
