"""The plug-in that joins MLflow and a workspace.

`mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())` is all that a program does; in the
program of a step or a script run not even that, since MLflow finds the run in its environment. What
MLflow needs of this package it finds by the entry points of the installed `azureml-mlflow`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

if TYPE_CHECKING:
    from azureml.core.model import Model

__all__ = ["get_portal_url", "register_model"]


def get_portal_url(run: Any) -> str:
    """The address of a run's page.

    Args:
        run: A run of MLflow's, or of the SDK's.

    Returns:
        The address, which a browser is let in by for some hours.
    """
    address: str = _run(run).get_portal_url()
    return address


def register_model(
    run: Any, name: str, path: str, tags: Optional[Dict[str, str]] = None, **kwargs: Any
) -> Model:
    """Register artifacts of a run as a model.

    Args:
        run: A run of MLflow's, or of the SDK's.
        name: The model's name.
        path: The file or folder among the run's artifacts.
        tags: Tags of the version.
        kwargs: What else `Run.register_model` takes.

    Returns:
        The new version.
    """
    made: Model = _run(run).register_model(name, model_path=path, tags=tags, **kwargs)
    return made


def _run(run: Any) -> Any:
    if hasattr(run, "get_portal_url"):
        return run
    from azureml.core import Run, Workspace

    return Run.get(Workspace.from_config(), run.info.run_id)
