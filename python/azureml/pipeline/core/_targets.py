"""Compute targets that steps name: which of them the workspace has.

On a server of one's own a name that nobody made a target of means this machine, and the program
prints so once. On a shared server it is an error that lists the names there are.
"""

from __future__ import annotations

from typing import Any, Dict, List

from azureml._suggest import did_you_mean, listed
from azureml.core.compute._notice import is_named, print_notice

# Searches of hyperparameters take their slots here, so that none waits for its own trials.
TUNING_TARGET = "tuning"
_OWN = ("local", TUNING_TARGET)


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
                f"compute target `{name}` does not exist in the workspace; it has "
                f"{listed(known)}{did_you_mean(name, known)}. Create it with "
                "ComputeTarget.create(workspace, name, AmlCompute.provisioning_configuration"
                "(vm_size))"
            )


def warn_unknown_targets(client: Any, graph: Any) -> None:
    """Say once in a process for each name that it means this machine."""
    names = [name for name in _names(graph) if not is_named(name)]
    if not names:
        return
    computes = client.get("/computes")["computes"]
    created = {compute["name"] for compute in computes if compute["created"]}
    for name in names:
        if name not in created:
            print_notice(name)


def _names(graph: Any) -> List[str]:
    """The names that steps give, each once; those of Stepwell's own are always there."""
    found: Dict[str, None] = {}
    for node in graph.module_nodes:
        if node._work:
            found[node._work.target] = None
            found[getattr(node._work, "trial_target", TUNING_TARGET)] = None
    return [name for name in found if name not in _OWN]
