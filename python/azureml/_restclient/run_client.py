"""One run, as libraries that were built on v1's internals read and change it."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional

from azureml._restclient.clientbase import ClientBase


class RunClient(ClientBase):
    """A client of one run."""

    def __init__(
        self,
        service_context: Any,
        experiment_name: str,
        run_id: str,
        experiment_id: Optional[str] = None,
        **kwargs: Any,
    ) -> None:
        """The run `run_id`; the server is not asked whether it exists."""
        super().__init__(service_context, **kwargs)
        self._experiment_name = experiment_name
        self._run_id = str(run_id)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._run_id

    def get_run(self, **kwargs: Any) -> Any:
        """The run as it is now."""
        return self._as_dto(self._workspace._client.get("/runs/" + self._run_id))

    def get_runstatus(self, **kwargs: Any) -> Any:
        """The run as it is now, with its status."""
        return self.get_run()

    def get_details(self, **kwargs: Any) -> Any:
        """The details of the run."""
        from azureml._restclient.models import RunDetailsDto

        return RunDetailsDto(**_snake_names(self._run().get_details()))

    def patch_run(self, create_run_dto: Any, **kwargs: Any) -> Any:
        """Change the name, the description, tags or properties of the run."""
        change: Dict[str, Any] = {}
        name = create_run_dto.display_name or create_run_dto.name
        for field, value in (("display_name", name), ("description", create_run_dto.description)):
            if value is not None:
                change[field] = value
        if create_run_dto.tags:
            change["set_tags"] = {str(key): str(each) for key, each in create_run_dto.tags.items()}
        if create_run_dto.properties:
            change["add_properties"] = {
                str(key): str(each) for key, each in create_run_dto.properties.items()
            }
        return self._as_dto(self._workspace._client.patch("/runs/" + self._run_id, change))

    def get_child_runs(self, **kwargs: Any) -> Iterator[Any]:
        """The children of the run."""
        for record in self._workspace._client.pages("/runs", "runs", parent=self._run_id):
            yield self._as_dto(record)

    def _run(self) -> Any:
        from azureml.core.run import Run

        return Run.get(self._workspace, self._run_id)


def _snake_names(details: Dict[str, Any]) -> Dict[str, Any]:
    import re

    return {re.sub("([A-Z])", r"_\1", name).lower(): value for name, value in details.items()}
