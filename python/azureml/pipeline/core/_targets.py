"""Compute targets that steps name: which of them the workspace has.

On a server of one's own a name that nobody made a target of means this machine, and the program
is told so once. On a shared server it is an error that lists the names there are.
"""

from __future__ import annotations

from typing import Any, List, Set

_TOLD: Set[str] = set()


def check_targets(workspace: Any, graph: Any) -> None:
    """Refuse names that a shared server does not know.

    Raises:
        ValueError: Naming the unknown target and those there are.
    """
    names = _names(graph)
    client = workspace._client
    if not names or client.get("/workspace")["embedded"]:
        return
    known = [compute["name"] for compute in client.get("/computes")["computes"]]
    for name in names:
        if name not in known:
            raise ValueError(
                "compute target `{}` does not exist in the workspace; it has {}".format(
                    name, ", ".join("`{}`".format(each) for each in known) or "none"
                )
            )


def tell_of_unknown(client: Any, graph: Any) -> None:
    """Say once in a process for each name that it means this machine."""
    names = [name for name in _names(graph) if name not in _TOLD]
    if not names:
        return
    computes = client.get("/computes")["computes"]
    created = {compute["name"] for compute in computes if compute["created"]}
    for name in names:
        if name not in created:
            _TOLD.add(name)
            print("Compute target {} is not defined; its steps run on this machine.".format(name))


def _names(graph: Any) -> List[str]:
    """The names that steps give, each once; `local` is always there."""
    found = dict.fromkeys(node._work.target for node in graph.module_nodes if node._work)
    return [name for name in found if name != "local"]
