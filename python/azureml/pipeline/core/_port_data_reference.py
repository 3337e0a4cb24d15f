"""What a finished run left in one of its outputs: `get_output_data`, `get_pipeline_output`."""

from __future__ import annotations

from typing import Any, Dict, Optional

from azureml._fields import Field, field
from azureml.pipeline.core._bindings import InputPortBinding
from azureml.pipeline.core._pipeline_data import reading_binding


class PortDataReference(object):
    """The data of one output of a run.

    Example:
        >>> run = experiment.submit(pipeline)
        >>> run.wait_for_completion(show_output=False)
        'Finished'
        >>> clean = run.find_step_run("prepare")[0].get_output_data("clean")
        >>> clean.download("fetched", show_progress=False)
        1
    """

    def __init__(
        self, context: Any, pipeline_run_id: str, data_reference: Any, step_run: Any = None
    ) -> None:
        """The output that `data_reference` locates.

        Args:
            context: Kept for programs that ask for it.
            pipeline_run_id: The run it belongs to.
            data_reference: Its datastore, path and name.
            step_run: The run of the step that made it.
        """
        self._context = context
        self._data_reference = data_reference
        self._step_run = step_run
        self.pipeline_run_id = pipeline_run_id
        self.data_reference_name: Any = data_reference.data_reference_name

    name: Field[str] = field("data_reference_name", "The name of the output.")

    @property
    def datastore(self) -> Any:
        """The datastore that keeps it."""
        return self._data_reference.datastore

    @property
    def datastore_name(self) -> str:
        """The name of the datastore that keeps it."""
        return str(self._data_reference.datastore.name)

    @property
    def path_on_datastore(self) -> str:
        """Where it is on the datastore."""
        return str(self._data_reference.path_on_datastore)

    def download(
        self,
        local_path: str,
        overwrite: Optional[bool] = None,
        show_progress: Optional[bool] = None,
    ) -> int:
        """Copy the data below `local_path`, under its path on the datastore.

        Args:
            local_path: The folder; it is made if need be.
            overwrite: Whether files that are there are replaced.
            show_progress: Whether each file is named on standard output.

        Returns:
            How many files were copied.
        """
        count: int = self.datastore.download(
            target_path=local_path,
            prefix=self.path_on_datastore,
            overwrite=bool(overwrite),
            show_progress=show_progress is not False,
        )
        return count

    def as_download(
        self,
        input_name: Optional[str] = None,
        path_on_compute: Optional[str] = None,
        overwrite: Optional[bool] = None,
    ) -> InputPortBinding:
        """This data as an input that is copied to a step.

        Args:
            input_name: The name in that step; its own when `None`.
            path_on_compute: Where the script finds it: a path in its working directory.
            overwrite: Kept, without effect.

        Returns:
            The input, for `inputs`.
        """
        return self.create_input_binding(input_name, "download", path_on_compute, overwrite)

    def as_mount(self, input_name: Optional[str] = None) -> InputPortBinding:
        """This data as an input that is read in place.

        Args:
            input_name: The name in that step; its own when `None`.

        Returns:
            The input, for `inputs`.
        """
        return self.create_input_binding(input_name, "mount")

    def as_input(self, input_name: str) -> InputPortBinding:
        """This data as an input under another name.

        Args:
            input_name: The name in that step.

        Returns:
            The input, for `inputs`.
        """
        return self.create_input_binding(input_name)

    def create_input_binding(
        self,
        input_name: Optional[str] = None,
        mode: Optional[str] = None,
        path_on_compute: Optional[str] = None,
        overwrite: Optional[bool] = None,
    ) -> InputPortBinding:
        """This data as an input, with all that can be said of it.

        Args:
            input_name: The name in that step; its own when `None`.
            mode: `mount` or `download`; `mount` when `None`.
            path_on_compute: Where the script finds it: a path in its working directory.
            overwrite: Kept, without effect.

        Returns:
            The input, for `inputs`.

        Raises:
            ValueError: The mode is another.
        """
        return reading_binding(self, input_name or self.name, mode, path_on_compute, overwrite)

    def _get_base_info_dict(self) -> Dict[str, str]:
        return {
            "Name": self.name,
            "Datastore": self.datastore_name,
            "Path on Datastore": self.path_on_datastore,
            "Produced By Run": self.pipeline_run_id,
        }

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._get_base_info_dict().items()
        )
        return f"<table>{rows}</table>"

    def __str__(self) -> str:
        """The name, the datastore and the path."""
        facts = self._get_base_info_dict().items()
        return "PortDataReference({})".format(
            ", ".join(f"{name}: {value}" for name, value in facts)
        )

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)
