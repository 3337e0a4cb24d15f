"""A step's output promoted to a dataset: `PipelineData.as_dataset()`.

The step that writes the data lists it promoted among its outputs, and the steps that read it
promote it as well. Every change gives a copy; all copies stand for the same data.
"""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Optional, Tuple, Union

from azureml._fields import Field, field
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.pipeline.core._bindings import InputPortBinding
from azureml.pipeline.core._names import is_port_name
from azureml.pipeline.core._pipeline_data import PipelineData

Transformation = Tuple[str, Dict[str, Any]]


class DatasetRegistration:
    """Under which name an output is registered as a dataset."""

    def __init__(self, name: str, create_new_version: bool) -> None:
        """A registration to be."""
        if not name:
            raise ValueError("a dataset is registered under a name")
        self._name = name
        self._create_new_version = create_new_version
        # How the files are read, if the dataset is a table.
        self._transformations: List[Transformation] = []

    name: Field[str] = field("_name", "The dataset's name.")
    create_new_version: Field[bool] = field(
        "_create_new_version", "Whether a known name gets a new version."
    )


class PipelineOutputAbstractDataset(object):
    """What the promoted outputs have in common."""

    def __init__(self, pipeline_data: PipelineData) -> None:
        """Promote a step's output."""
        if not isinstance(pipeline_data, PipelineData):
            raise ValueError(f"only a PipelineData can be promoted, not {type(pipeline_data)}")
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
        """A copy that is registered as a dataset when the step that writes it has succeeded.

        Args:
            name: The dataset's name.
            create_new_version: Whether a name that is known gets another version. If not, the
                output is not registered, which a property of the step's run says.
        """
        other: PipelineOutputAbstractDataset = self._clone()
        other._registration = DatasetRegistration(name, create_new_version)
        other._registration._transformations = list(getattr(self, "_transformations", ()))
        return other

    def as_named_input(self, name: str) -> PipelineOutputAbstractDataset:
        """A copy that a step reads under another name."""
        if not is_port_name(name):
            raise ValueError(
                f"the input name {name!r} may hold letters, digits and underscores only"
            )
        other: PipelineOutputAbstractDataset = self._clone()
        other._input_name = name
        return other

    def create_input_binding(self) -> InputPortBinding:
        """This data as an input of a step."""
        return InputPortBinding(
            self.input_name, self, self._input_mode, self._input_path_on_compute
        )

    def __str__(self) -> str:
        """The text that stands for it in an argument list."""
        return f"DatasetConsumptionConfig:{self.input_name}"

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
        """The output as a table of its delimited files.

        Args:
            include_path: Whether a column `Path` names the file of each row.
            separator: What stands between columns.
            header: A `PromoteHeadersBehavior`.
            partition_format: What the paths say about the rows.
            file_extension: How the names of the files end; an empty text stands for `.csv` or
                `.tsv` as the separator is, `None` for all files.
            set_column_types: Types of columns, made by `DataType`.
            quoted_line_breaks: Quoted line breaks are read in either case; a parallel step must
                know of them, so that it does not cut a file there.
        """
        if file_extension == "":
            file_extension = {",": ".csv", "\t": ".tsv"}.get(separator)
        return self._table(
            "read_delimited_files",
            include_path=include_path,
            separator=separator,
            header=header,
            partition_format=partition_format,
            extension=file_extension,
            set_column_types=set_column_types,
            **({"multi_line": True} if quoted_line_breaks else {}),
        )

    def parse_parquet_files(
        self,
        include_path: bool = False,
        partition_format: Optional[str] = None,
        file_extension: Optional[str] = ".parquet",
        set_column_types: Any = None,
    ) -> PipelineOutputTabularDataset:
        """The output as a table of its Parquet files."""
        return self._table(
            "read_parquet_files",
            include_path=include_path,
            partition_format=partition_format,
            extension=file_extension,
            set_column_types=set_column_types,
        )

    def _table(self, how: str, **settings: Any) -> PipelineOutputTabularDataset:
        return PipelineOutputTabularDataset(self, [(how, settings)])

    def _set_mode(self, mode: str, path_on_compute: Optional[str]) -> PipelineOutputFileDataset:
        other: PipelineOutputFileDataset = self._clone()
        other._input_mode = mode
        other._input_path_on_compute = path_on_compute
        return other


class PipelineOutputTabularDataset(PipelineOutputAbstractDataset):
    """A step's output as a table."""

    def __init__(
        self, pipeline_output_dataset: Any, additional_transformations: List[Transformation]
    ) -> None:
        """Read the files of `pipeline_output_dataset` as a table."""
        super().__init__(pipeline_output_dataset._pipeline_data)
        self._input_name = pipeline_output_dataset._input_name
        self._input_mode = "direct"
        self._transformations = list(additional_transformations)

    def keep_columns(self, columns: Union[str, List[str]]) -> PipelineOutputTabularDataset:
        """A copy with these columns only."""
        return self._transformed("keep_columns", columns=_listed(columns))

    def drop_columns(self, columns: Union[str, List[str]]) -> PipelineOutputTabularDataset:
        """A copy without these columns."""
        return self._transformed("drop_columns", columns=_listed(columns))

    def random_split(
        self, percentage: float, seed: Optional[int] = None
    ) -> Tuple[PipelineOutputTabularDataset, PipelineOutputTabularDataset]:
        """The rows in two parts, the first with about `percentage` (0 to 1) of them."""
        from azureml.data.abstract_dataset import checked_share, made_up_seed

        share, seed = checked_share("percentage", percentage), made_up_seed(seed)
        first, second = (
            self._transformed("random_split", percentage=share, seed=seed, part=part)
            for part in (1, 2)
        )
        return first, second

    def create_input_binding(self) -> InputPortBinding:
        """This table as an input of a step."""
        return InputPortBinding(
            self.input_name, self, self._input_mode, additional_transformations=self
        )

    def _transformed(self, name: str, **settings: Any) -> PipelineOutputTabularDataset:
        other: PipelineOutputTabularDataset = self._clone()
        other._transformations = [*self._transformations, (name, settings)]
        return other


def _listed(columns: Union[str, List[str]]) -> List[str]:
    return [columns] if isinstance(columns, str) else list(columns)
