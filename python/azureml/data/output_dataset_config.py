"""Outputs of steps: what a script writes, where it goes, and what it is to those who read it.

Every method that changes something returns a changed copy. All copies share one origin, so each
of them knows the step that writes the output, whichever of them the step was given.
"""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Optional, Tuple, TypeVar, Union

from azureml.data import _names
from azureml.data._local_files import text
from azureml.data._written import written
from azureml.data.constants import (
    DIRECT_MODE,
    HDFS_MODE,
    LINK_MODE,
    MOUNT_MODE,
    UPLOAD_MODE,
)
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import UserErrorException

T = TypeVar("T", bound="OutputDatasetConfig")
_TRANSFORMATIONS = "additional_transformations"


class _Origin:
    """What all copies of an output have in common: the step that writes it."""

    def __init__(self) -> None:
        self.producer_step: Any = None


class UploadOptions:
    """How an output is uploaded when its step is over."""

    def __init__(self, overwrite: bool = False, source_globs: Any = None) -> None:
        self.overwrite = overwrite
        self.source_globs = source_globs


class MountOptions:
    """How an output is mounted while its step runs."""

    def __init__(self, disable_metadata_cache: bool = False) -> None:
        self.disable_metadata_cache = disable_metadata_cache


class RegistrationConfiguration:
    """The dataset as which an output is registered."""

    def __init__(
        self, name: str, description: Optional[str], tags: Optional[Dict[str, str]]
    ) -> None:
        self.name = name
        self.description = description
        self.tags = tags


class OutputDatasetConfig:
    """Base of all outputs."""

    def __init__(self, mode: str, name: Optional[str] = None, **kwargs: Any) -> None:
        """Begin an output.

        Args:
            mode: How it gets to its place.
            name: Its name in the step; made up when `None`.
            kwargs: Between classes of this module: the origin and the transformations of the
                output that this one is another view of.
        """
        self.mode = mode
        self.name = name if name is not None else _names.made_up("output")
        self._origin: _Origin = kwargs.get("origin") or _Origin()
        self._registration: Optional[RegistrationConfiguration] = kwargs.get("registration")
        self._transformations: List[Tuple[str, Dict[str, Any]]] = list(
            kwargs.get(_TRANSFORMATIONS) or []
        )

    @property
    def name(self) -> str:
        """Its name in the step."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = _names.checked("output", name)

    @property
    def arg_val(self) -> str:
        """The text that stands for it in an argument list."""
        return written(f"DatasetOutputConfig:{self._name}", self)

    def register_on_complete(
        self: T,
        name: str,
        description: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
    ) -> T:
        """The same, registered as a new version of a dataset when its step succeeds.

        Args:
            name: The name of the dataset.
            description: A description for people.
            tags: Tags of the version.

        Returns:
            Another object of the same output; give this one to the step.

        Raises:
            ValueError: There is no name.
        """
        if not name:
            raise ValueError("a dataset needs a name to be registered")
        return self._changed(_registration=RegistrationConfiguration(name, description, tags))

    def as_input(self, name: Optional[str] = None) -> DatasetConsumptionConfig:
        """The output as an input of another step.

        Args:
            name: The name in that step; made up when `None`.

        Returns:
            The input, for `inputs` or `arguments`.
        """
        return DatasetConsumptionConfig(name or _names.made_up("input"), self, MOUNT_MODE)

    def _set_producer(self, step: Any) -> None:
        """Remember the step that writes it."""
        self._origin.producer_step = step

    def _changed(self: T, **changes: Any) -> T:
        """A copy with other attributes; it shares the origin and the datastore, nothing else."""
        made = copy.copy(self)
        made._transformations = copy.deepcopy(self._transformations)
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    def _transformed(self: T, name: str, **settings: Any) -> T:
        """A copy with one more transformation of its rows."""
        step: Tuple[str, Dict[str, Any]] = (name, settings)
        return self._changed(_transformations=[*self._transformations, step])

    def __str__(self) -> str:
        """The text that stands for it in an argument list."""
        return self.arg_val


class TransformationMixin:
    """Outputs whose files can be read as tables."""

    def read_delimited_files(
        self,
        include_path: bool = False,
        separator: str = ",",
        header: PromoteHeadersBehavior = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
        partition_format: Optional[str] = None,
        path_glob: Optional[str] = None,
        set_column_types: Optional[Dict[str, Any]] = None,
    ) -> OutputTabularDatasetConfig:
        """The output as a table of its delimited files.

        Args:
            include_path: Whether a column `Path` names the file of each row.
            separator: What stands between columns.
            header: Which files have a line of names.
            partition_format: What the paths say about the rows.
            path_glob: Which files, as a path with `*` and `**`; all when `None`.
            set_column_types: Types of columns, made by `DataType`.

        Returns:
            The table, which is an output too.
        """
        return _as_table(
            self,
            "read_delimited_files",
            include_path=include_path,
            separator=separator,
            header=header,
            partition_format=partition_format,
            path_glob=path_glob,
            set_column_types=set_column_types,
        )

    def read_parquet_files(
        self,
        include_path: bool = False,
        partition_format: Optional[str] = None,
        path_glob: Optional[str] = None,
        set_column_types: Optional[Dict[str, Any]] = None,
    ) -> OutputTabularDatasetConfig:
        """The output as a table of its Parquet files.

        Args:
            include_path: Whether a column `Path` names the file of each row.
            partition_format: What the paths say about the rows.
            path_glob: Which files, as a path with `*` and `**`; all when `None`.
            set_column_types: Types of columns, made by `DataType`.

        Returns:
            The table, which is an output too.
        """
        return _as_table(
            self,
            "read_parquet_files",
            include_path=include_path,
            partition_format=partition_format,
            path_glob=path_glob,
            set_column_types=set_column_types,
        )


class OutputFileDatasetConfig(OutputDatasetConfig, TransformationMixin):
    """Files that a script writes into a folder.

    Example:
        >>> clean = OutputFileDatasetConfig("clean", destination=(datastore, "clean/{run-id}"))
        >>> clean = clean.register_on_complete("clean-sales")
        >>> prepare = PythonScriptStep(
        ...     "prepare.py",
        ...     source_directory="src",
        ...     arguments=["--to", clean],
        ...     compute_target="cpu-cluster",
        ... )
        >>> run = experiment.submit(Pipeline(workspace, [prepare]))
        >>> run.wait_for_completion(show_output=False)
        'Finished'
        >>> Dataset.get_by_name(workspace, "clean-sales").to_path()
        ['/rows.csv']
    """

    def __init__(
        self,
        name: Optional[str] = None,
        destination: Any = None,
        source: Optional[str] = None,
        partition_format: Optional[str] = None,
    ) -> None:
        """Describe an output.

        Args:
            name: Its name in the step; made up when `None`.
            destination: The datastore, or a pair of it and a path, in which `{run-id}` and
                `{output-name}` are replaced.
            source: The folder the script writes to; a fresh one when `None`.
            partition_format: How the paths of the files carry values.
        """
        super().__init__(MOUNT_MODE, name)
        self.destination: Any = _checked_destination(destination)
        self.source: Optional[str] = text(source)
        self._upload_options: Optional[UploadOptions] = None
        self._mount_options: Optional[MountOptions] = None
        if partition_format is not None:
            self._transformations.append(("partition", {"partition_format": partition_format}))

    def as_mount(self, disable_metadata_cache: bool = False) -> OutputFileDatasetConfig:
        """The same, written in its place while the step runs.

        Args:
            disable_metadata_cache: Without effect; nothing is cached.

        Returns:
            Another object of the same output.
        """
        options = MountOptions(disable_metadata_cache)
        return self._changed(mode=MOUNT_MODE, _mount_options=options, _upload_options=None)

    def as_upload(
        self, overwrite: bool = False, source_globs: Union[str, List[str], None] = None
    ) -> OutputFileDatasetConfig:
        """The same, uploaded when the step has succeeded.

        Args:
            overwrite: Whether files that are there are replaced; otherwise they are kept.
            source_globs: Which files, as paths with `*` and `**`; all when `None`.

        Returns:
            Another object of the same output.
        """
        options = UploadOptions(overwrite, source_globs)
        return self._changed(mode=UPLOAD_MODE, _upload_options=options, _mount_options=None)


class HDFSOutputDatasetConfig(OutputDatasetConfig, TransformationMixin):
    """Files that Spark writes."""

    def __init__(self, name: Optional[str] = None, destination: Any = None) -> None:
        """Describe an output; see `OutputFileDatasetConfig`."""
        super().__init__(HDFS_MODE, name)
        self.destination: Any = _checked_destination(destination)
        self.source: Optional[str] = None

    def as_input(self, name: Optional[str] = None) -> DatasetConsumptionConfig:
        """The output as an input of another Spark step."""
        return DatasetConsumptionConfig(name or _names.made_up("input"), self, HDFS_MODE)


class OutputTabularDatasetConfig(OutputDatasetConfig):
    """Files that a script writes, read as a table."""

    def __init__(self, **kwargs: Any) -> None:
        """Begin the table; programs get one from `read_delimited_files` and its kin."""
        if "files" not in kwargs:
            raise UserErrorException(
                "a table is made from an OutputFileDatasetConfig, by its `read_delimited_files` "
                "or `read_parquet_files`"
            )
        files = kwargs.pop("files")
        super().__init__(
            files.mode,
            kwargs.pop("name", files.name),
            origin=files._origin,
            registration=files._registration,
            **kwargs,
        )
        self._files = files
        self.destination: Any = files.destination
        self.source: Any = files.source

    def keep_columns(self, columns: Union[str, List[str]]) -> OutputTabularDatasetConfig:
        """The same with these columns only."""
        return self._transformed("keep_columns", columns=_listed(columns))

    def drop_columns(self, columns: Union[str, List[str]]) -> OutputTabularDatasetConfig:
        """The same without these columns."""
        return self._transformed("drop_columns", columns=_listed(columns))

    def random_split(
        self, percentage: float, seed: Optional[int] = None
    ) -> Tuple[OutputTabularDatasetConfig, OutputTabularDatasetConfig]:
        """The rows in two parts, the first with about `percentage` of them."""
        from azureml.data.abstract_dataset import made_up_seed

        if not 0 < percentage < 1:
            raise UserErrorException(f"percentage is between 0 and 1, not {percentage}")
        seed = made_up_seed(seed)  # the parts complement each other
        first, second = (
            self._transformed("random_split", percentage=percentage, seed=seed, part=part)
            for part in (1, 2)
        )
        first.name, second.name = self.name + "_1", self.name + "_2"
        return first, second

    def as_mount(self) -> OutputTabularDatasetConfig:
        """The same, its files written in their place while the step runs."""
        return self._with_files(self._files.as_mount())

    def as_upload(
        self, overwrite: bool = False, source_globs: Union[str, List[str], None] = None
    ) -> OutputTabularDatasetConfig:
        """The same, its files uploaded when the step has succeeded."""
        return self._with_files(self._files.as_upload(overwrite, source_globs))

    def _with_files(self, files: Any) -> OutputTabularDatasetConfig:
        return self._changed(_files=files, mode=files.mode)

    def as_input(self, name: Optional[str] = None) -> DatasetConsumptionConfig:
        """The table as an input of another step."""
        return DatasetConsumptionConfig(name or _names.made_up("input"), self, DIRECT_MODE)


class LinkFileOutputDatasetConfig(OutputDatasetConfig):
    """Files that a script points to instead of writing them."""

    def __init__(self, name: Optional[str] = None) -> None:
        """Describe an output."""
        super().__init__(LINK_MODE, name)

    def as_input(self, name: Optional[str] = None) -> DatasetConsumptionConfig:
        """The files as an input of another step."""
        return DatasetConsumptionConfig(name or _names.made_up("input"), self, MOUNT_MODE)


class LinkTabularOutputDatasetConfig(OutputDatasetConfig):
    """A table that a script points to instead of writing it."""

    def __init__(self, name: Optional[str] = None) -> None:
        """Describe an output."""
        super().__init__(LINK_MODE, name)

    def as_input(self, name: Optional[str] = None) -> DatasetConsumptionConfig:
        """The table as an input of another step."""
        return DatasetConsumptionConfig(name or _names.made_up("input"), self, DIRECT_MODE)


def _as_table(files: Any, how: str, **settings: Any) -> OutputTabularDatasetConfig:
    transformations = [*files._transformations, (how, settings)]
    return OutputTabularDatasetConfig(files=files, additional_transformations=transformations)


def _checked_destination(destination: Any) -> Any:
    """A datastore, or a pair of it and a path."""
    if not isinstance(destination, tuple):
        return destination
    if len(destination) not in (1, 2) or isinstance(destination[0], str):
        raise UserErrorException(
            f"destination is a datastore, or a pair of a datastore and a path, not {destination!r}"
        )
    return tuple(text(part) for part in destination)


def _listed(columns: Union[str, List[str]]) -> List[str]:
    return [columns] if isinstance(columns, str) else list(columns)
