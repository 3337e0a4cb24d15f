"""One workspace, as libraries that were built on v1's internals read it."""

from __future__ import annotations

from typing import Any, Iterator

from azureml._restclient.clientbase import ClientBase


class WorkspaceClient(ClientBase):
    """A client of one workspace."""

    def list_experiments(self, **kwargs: Any) -> Iterator[Any]:
        """All experiments."""
        from azureml._restclient.models import ExperimentDto

        for record in self._workspace._client.get("/experiments")["experiments"]:
            yield ExperimentDto(
                experiment_id=record["id"], name=record["name"], tags=record["tags"]
            )

    def get_run(self, run_id: str, **kwargs: Any) -> Any:
        """The run with an id."""
        return self._as_dto(self._workspace._client.get("/runs/" + str(run_id)))
