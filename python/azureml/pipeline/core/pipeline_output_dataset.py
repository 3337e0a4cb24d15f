"""A step's output promoted to a dataset: `PipelineData.as_dataset()`.

The step that writes the data lists it promoted among its outputs, and the steps that read it
promote it as well. Every change gives a copy; all copies stand for the same data.
"""

from __future__ import annotations

import copy
from typing import Any, Optional

from azureml._not_yet import not_yet
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.pipeline.core._bindings import InputPortBinding
from azureml.pipeline.core._fields import field
from azureml.pipeline.core._names import is_port_name
from azureml.pipeline.core._pipeline_data import PipelineData

_TABLES = (
    "tabular views of a step's output are not there yet; pass the files and read them in the script"
)


class DatasetRegistration:
    """Under which name an output is registered as a dataset."""

    def __init__(self, name: str, create_new_version: bool) -> None:
        """A registration to be."""
        if not name:
            raise ValueError("a dataset is registered under a name")
        self._name = name
        self._create_new_version = create_new_version

    name = field("_name", "The dataset's name.")
    create_new_version = field("_create_new_version", "Whether a known name gets a new version.")


class PipelineOutputAbstractDataset(object):
    """What the promoted outputs have in common."""

    def __init__(self, pipeline_data: PipelineData) -> None:
        """Promote a step's output."""
        if not isinstance(pipeline_data, PipelineData):
            raise ValueError(
                "only a PipelineData can be promoted, not {}".format(type(pipeline_data))
            )
        self._pipeline_data = pipeline_data
        self._input_name: Optional[str] = None
        self._input_mode = "mount"
        self._input_path_on_compute: Optional[str] = None
        self._registration: Optional[DatasetRegistration] = None

    @property
    def name(self) -> str:
        """The name of the output."""
        return self._pipeline_data._output_name

    @property
    def input_name(self) -> str:
        """The name under which a step reads it."""
        return self._input_name or self.name

    def register(self, name: str, create_new_version: bool = True) -> PipelineOutputAbstractDataset:
        """Not there yet."""
        DatasetRegistration(name, create_new_version)
        not_yet("outputs cannot be registered as datasets yet; read them from their datastore")

    def as_named_input(self, name: str) -> PipelineOutputAbstractDataset:
        """A copy that a step reads under another name."""
        if not is_port_name(name):
            raise ValueError(
                "the input name {!r} may hold letters, digits and underscores only".format(name)
            )
        other: PipelineOutputAbstractDataset = self._clone()
        other._input_name = name
        return other

    def create_input_binding(self) -> InputPortBinding:
        """This data as an input of a step."""
        return InputPortBinding(
            self.input_name, self, self._input_mode, self._input_path_on_compute
        )

    def _set_producer(self, step: Any) -> None:
        self._pipeline_data._set_producer(step)

    def _clone(self) -> Any:
        return copy.copy(self)


class PipelineOutputFileDataset(PipelineOutputAbstractDataset):
    """A step's output as files."""

    def as_download(self, path_on_compute: Optional[str] = None) -> PipelineOutputFileDataset:
        """A copy whose files are copied to the step that reads them."""
        return self._set_mode("download", path_on_compute)

    def as_mount(self, path_on_compute: Optional[str] = None) -> PipelineOutputFileDataset:
        """A copy whose files are read in place."""
        return self._set_mode("mount", path_on_compute)

    def as_direct(self) -> PipelineOutputFileDataset:
        """A copy that is handed to the script as a dataset."""
        return self._set_mode("direct", None)

    def parse_delimited_files(
        self,
        include_path: bool = False,
        separator: str = ",",
        header: Any = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
        partition_format: Optional[str] = None,
        file_extension: Optional[str] = "",
        set_column_types: Any = None,
        quoted_line_breaks: bool = False,
    ) -> PipelineOutputTabularDataset:
        """Not there yet."""
        not_yet(_TABLES)

    def parse_parquet_files(
        self,
        include_path: bool = False,
        partition_format: Optional[str] = None,
        file_extension: Optional[str] = ".parquet",
        set_column_types: Any = None,
    ) -> PipelineOutputTabularDataset:
        """Not there yet."""
        not_yet(_TABLES)

    def _set_mode(self, mode: str, path_on_compute: Optional[str]) -> PipelineOutputFileDataset:
        other: PipelineOutputFileDataset = self._clone()
        other._input_mode = mode
        other._input_path_on_compute = path_on_compute
        return other


class PipelineOutputTabularDataset(PipelineOutputAbstractDataset):
    """A step's output as a table; not there yet."""

    def __init__(self, pipeline_output_dataset: Any, additional_transformations: Any) -> None:
        """Refuse: what makes one is not there yet either."""
        not_yet(_TABLES)
