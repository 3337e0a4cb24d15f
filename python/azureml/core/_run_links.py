"""Addresses of the server's pages, and the small tables notebooks show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from stepwell.client import Client

DOCUMENTATION = "https://github.com/stepwell/stepwell/tree/main/docs"


def run_page(client: Client, run_id: str) -> str:
    """The page of a run. A ticket lets the browser in; the page takes it out of the address."""
    return _with_ticket(client, "/runs/" + run_id)


def experiment_page(client: Client, name: str) -> str:
    """The page of an experiment's runs."""
    from urllib.parse import quote

    return _with_ticket(client, "/experiments/" + quote(name, safe=""))


def file_address(client: Client, run_id: str, name: str) -> str:
    """Where a file of a run can be fetched, with the server's token as a header."""
    from urllib.parse import quote

    return f"{client.url}/api/v1/runs/{run_id}/files/{quote(name)}"


def _with_ticket(client: Client, path: str) -> str:
    ticket = client.ticket()
    return client.url + path + ("?ticket=" + ticket if ticket else "")


class Html(str):
    """Text that is HTML already."""


def link(address: str, text: str) -> Html:
    """An HTML link that opens a page of its own."""
    from html import escape

    words = escape(address), escape(text)
    return Html('<a href="{}" target="_blank" rel="noopener">{}</a>'.format(*words))


def html_table(row: Mapping[str, str]) -> str:
    """A table of one row."""
    from html import escape

    heads = "".join(f"<th>{escape(name)}</th>" for name in row)
    cells = "".join(
        f"<td>{value if isinstance(value, Html) else escape(value)}</td>" for value in row.values()
    )
    return (
        f'<table style="width:100%"><thead><tr>{heads}</tr></thead>'
        f"<tbody><tr>{cells}</tr></tbody></table>"
    )
