"""The plug-in of the original that joins MLflow and a workspace.

Importing it is all that programs do to have MLflow know the address of a workspace; here nothing
needs to be registered. Stepwell's own way of logging is `Run.log`.
"""

from __future__ import annotations

from typing import Any

__all__ = ["get_portal_url"]


def get_portal_url(run: Any) -> str:
    """The address of a run's page; `run` is one of MLflow's or of the SDK's."""
    if hasattr(run, "get_portal_url"):
        address: str = run.get_portal_url()
        return address
    from azureml.core import Run, Workspace

    made: str = Run.get(Workspace.from_config(), run.info.run_id).get_portal_url()
    return made
