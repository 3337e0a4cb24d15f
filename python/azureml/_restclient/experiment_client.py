"""One experiment, as libraries that were built on v1's internals read it."""

from __future__ import annotations

from typing import Any, Iterator, Optional

from azureml._restclient.clientbase import ClientBase


class ExperimentClient(ClientBase):
    """A client of one experiment."""

    def __init__(
        self,
        service_context: Any,
        experiment_name: str,
        experiment_id: Optional[str] = None,
        **kwargs: Any,
    ) -> None:
        """The experiment of a name; it is made at the server when it is first written to."""
        super().__init__(service_context, **kwargs)
        self._experiment_name = experiment_name

    def get_experiment(self, **kwargs: Any) -> Any:
        """The experiment; it is made if it does not exist."""
        from azureml._restclient.models import ExperimentDto

        record = self._workspace._client.put("/experiments/" + self._experiment_name)
        return ExperimentDto(experiment_id=record["id"], name=record["name"], tags=record["tags"])

    create_experiment = get_experiment

    def get_runs(self, last: int = 0, **kwargs: Any) -> Iterator[Any]:
        """The runs of the experiment, newest first; `last` limits how many."""
        pages = self._workspace._client.pages("/runs", "runs", experiment=self._experiment_name)
        for number, record in enumerate(pages):
            if last and number >= last:
                return
            yield self._as_dto(record)
