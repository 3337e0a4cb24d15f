"""Makers of datasets, and the types that columns can be given."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NoReturn, Optional, Type, TypeVar, Union

from azureml._not_yet import not_yet
from azureml.data import _local_files, _partitions, _places, _reading
from azureml.data._definition import FILES, TABLE, Definition
from azureml.data._files import NOTHING_THERE
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.data.abstract_dataset import AbstractDataset
    from azureml.data.file_dataset import FileDataset
    from azureml.data.tabular_dataset import TabularDataset

D = TypeVar("D", bound="AbstractDataset")


class TabularDatasetFactory:
    """Makes datasets of tables.

    Example:
        >>> sales = Dataset.Tabular.from_delimited_files((datastore, "sales/*.csv"))
        >>> frame = sales.to_pandas_dataframe()
        >>> dear = frame[frame["amount"] > 15]
        >>> made = Dataset.Tabular.register_pandas_dataframe(
        ...     dear, target=(datastore, "dear"), name="dear", show_progress=False
        ... )
        >>> made.name, made.version, len(made.to_pandas_dataframe())
        ('dear', 1, 2)
    """

    @staticmethod
    def from_parquet_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Optional[Mapping[str, Any]] = None,
        partition_format: Optional[str] = None,
    ) -> TabularDataset:
        """The rows of Parquet files.

        Args:
            path: Where the files are; see `from_delimited_files`.
            validate: Whether it is made sure now that there are files.
            include_path: Whether a column `Path` names the file of each row.
            set_column_types: Types of columns, made by `DataType`.
            partition_format: What the paths say about the rows.

        Returns:
            The dataset, which is not registered.

        Raises:
            DatasetValidationError: There are no files.
        """
        reading = _reading.parquet(include_path, set_column_types)
        return _table(path, reading, validate, partition_format)

    @staticmethod
    def from_delimited_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: Optional[Mapping[str, Any]] = None,
        separator: str = ",",
        header: Any = True,
        partition_format: Optional[str] = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        """The rows of delimited text files.

        Args:
            path: A local path, a URL, a `DataPath`, a pair of a datastore and a path, or a list
                of these; a path may be a folder and may hold `*` and `**`.
            validate: Whether it is made sure now that there are files.
            include_path: Whether a column `Path` names the file of each row.
            infer_column_types: Whether numbers and dates are recognised; else all is text.
            set_column_types: Types of columns, made by `DataType`.
            separator: What stands between columns.
            header: A `PromoteHeadersBehavior`, or whether each file has a line of names.
            partition_format: What the paths say about the rows, such as
                `/{city}/{day:yyyy-MM-dd}.csv`.
            support_multi_line: Quoted line breaks are read in either case; a parallel step must
                know of them, so that it does not cut a file there.
            empty_as_string: Whether nothing between separators is an empty text, not a null.
            encoding: The encoding of the files.

        Returns:
            The dataset, which is not registered.

        Raises:
            DatasetValidationError: There are no files.
        """
        reading = _reading.delimited(
            separator,
            header,
            encoding,
            infer_column_types,
            empty_as_string,
            include_path,
            set_column_types,
            support_multi_line,
        )
        return _table(path, reading, validate, partition_format)

    @staticmethod
    def from_json_lines_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Optional[Mapping[str, Any]] = None,
        partition_format: Optional[str] = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
    ) -> TabularDataset:
        """The rows of files with one JSON object in each line.

        Args:
            path: Where the files are; see `from_delimited_files`.
            validate: Whether it is made sure now that there are files.
            include_path: Whether a column `Path` names the file of each row.
            set_column_types: Types of columns, made by `DataType`.
            partition_format: What the paths say about the rows.
            invalid_lines: What becomes of a line that is no object: `error`, or `drop`.
            encoding: The encoding of the files.

        Returns:
            The dataset, which is not registered.

        Raises:
            DatasetValidationError: There are no files.
        """
        reading = _reading.json_lines(include_path, set_column_types, invalid_lines, encoding)
        return _table(path, reading, validate, partition_format)

    @staticmethod
    def from_sql_query(
        query: Any,
        validate: bool = True,
        set_column_types: Optional[Mapping[str, Any]] = None,
        query_timeout: int = 30,
    ) -> TabularDataset:
        """The rows that a query on a database gives, whenever they are read.

        Args:
            query: A `DataPath` whose path is the query, or a pair of a datastore and a query.
            validate: Whether the query is performed now, to see whether it can be.
            set_column_types: Types of columns, made by `DataType`.
            query_timeout: How many seconds the query may take.

        Returns:
            The dataset, which is not registered.

        Raises:
            UserErrorException: The datastore is no database, or the query is refused.
        """
        from azureml.data._queries import definition_of
        from azureml.data.tabular_dataset import TabularDataset

        reading = _reading.parquet(False, set_column_types)
        definition, store = definition_of(query, reading, query_timeout)
        made = TabularDataset._make(definition, store.workspace, {store.name: store})
        if validate:
            made.take(1).to_pandas_dataframe()
        return made

    @staticmethod
    def register_pandas_dataframe(
        dataframe: Any,
        target: Any,
        name: str,
        description: Optional[str] = None,
        tags: Optional[Mapping[str, Any]] = None,
        show_progress: bool = True,
        row_group_size: Optional[int] = None,
        make_target_path_unique: bool = True,
    ) -> TabularDataset:
        """Write a data frame as Parquet and register it as a new version of `name`.

        Args:
            dataframe: The data frame; its index is not kept.
            target: A `DataPath`, a datastore, or a pair of a datastore and a path.
            name: The name of the dataset.
            description: A description for people.
            tags: Tags of the version.
            show_progress: Whether the place is named on standard output.
            row_group_size: Rows of a group in the file.
            make_target_path_unique: Whether it goes into a folder of its own below the target.

        Returns:
            The version.
        """
        from azureml.data import _table_write

        made = _table_write.write(
            dataframe, target, make_target_path_unique, show_progress, row_group_size
        )
        registered: TabularDataset = made.register(
            made._workspace, name, description, tags, create_new_version=True
        )
        return registered

    @staticmethod
    def register_spark_dataframe(
        dataframe: Any,
        target: Any,
        name: str,
        description: Optional[str] = None,
        tags: Optional[Mapping[str, Any]] = None,
        show_progress: bool = True,
    ) -> NoReturn:
        """Refuse: only pandas is there."""
        not_yet("Spark data frames are not there yet; use register_pandas_dataframe")

    @staticmethod
    def register_dask_dataframe(
        dataframe: Any,
        target: Any,
        name: str,
        description: Optional[str] = None,
        tags: Optional[Mapping[str, Any]] = None,
        show_progress: bool = True,
    ) -> NoReturn:
        """Refuse: only pandas is there."""
        not_yet("Dask data frames are not there yet; use register_pandas_dataframe")


class FileDatasetFactory:
    """Makes datasets of files.

    Example:
        >>> files = Dataset.File.upload_directory("data", (datastore, "inbox"), show_progress=False)
        >>> files.to_path()
        ['/sales.csv']
        >>> Dataset.File.from_files((datastore, "inbox/*.csv")).download("local-copy")
        ['...local-copy/sales.csv']
    """

    @staticmethod
    def from_files(
        path: Any,
        validate: bool = True,
        partition_format: Optional[str] = None,
        is_file: bool = False,
    ) -> FileDataset:
        """The files at some places.

        Args:
            path: A local path, a URL, a `DataPath`, a pair of a datastore and a path, or a list
                of these; a path may be a folder and may hold `*` and `**`.
            validate: Whether it is made sure now that there are files.
            partition_format: What the paths say about the files.
            is_file: Whether a step that mounts a single file is given the file, not its folder.

        Returns:
            The dataset, which is not registered.

        Raises:
            DatasetValidationError: There are no files.
        """
        from azureml.data.file_dataset import FileDataset

        given = _places.given(path)
        definition = Definition(
            FILES, given.places, None, (), _checked_format(partition_format), bool(is_file)
        )
        return _checked(FileDataset, definition, given, validate)

    @staticmethod
    def upload_directory(
        src_dir: str,
        target: Any,
        pattern: Optional[str] = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> FileDataset:
        """Copy a folder to a datastore and make the dataset of it there.

        Args:
            src_dir: The folder.
            target: A `DataPath`, a datastore, or a pair of a datastore and a path.
            pattern: Which files, as a path below the folder with `*` and `**`; all when `None`.
            overwrite: Whether files that are there are replaced.
            show_progress: Whether each file is named on standard output.

        Returns:
            The dataset, which is not registered.

        Raises:
            UserErrorException: The folder has no files that match.
        """
        from azureml.data._files import wildcard

        datastore, path = _places.target(target)
        copies = _local_files.of_folder(src_dir, path)
        if pattern is not None:
            chosen = wildcard(pattern.lstrip("/"))
            root = os.path.abspath(src_dir)
            copies = [
                each
                for each in copies
                if chosen.match(os.path.relpath(each.source, root).replace(os.sep, "/"))
            ]
        if not copies:
            raise UserErrorException(
                "{} has no files{}".format(
                    src_dir, "" if pattern is None else f" that match {pattern!r}"
                )
            )
        datastore._put(copies, overwrite, show_progress)
        return FileDatasetFactory.from_files((datastore, path))


class DataType:
    """The type of a column, for `set_column_types`; made by its methods.

    Example:
        >>> types = {"day": DataType.to_datetime("%Y-%m-%d"), "amount": DataType.to_float()}
        >>> sales = Dataset.Tabular.from_delimited_files(
        ...     (datastore, "sales/*.csv"), set_column_types=types
        ... )
        >>> sales.to_pandas_dataframe()["amount"].tolist()
        [10.0, 20.0, 30.0]
    """

    _spec: Dict[str, Any]

    @staticmethod
    def to_string() -> DataType:
        """Text.

        Returns:
            The type.
        """
        return _data_type("string")

    @staticmethod
    def to_long() -> DataType:
        """Whole numbers.

        Returns:
            The type.
        """
        return _data_type("long")

    @staticmethod
    def to_float(decimal_mark: str = ".") -> DataType:
        """Numbers; `decimal_mark` stands before the fraction.

        Args:
            decimal_mark: `.` or `,`.

        Returns:
            The type.
        """
        return _data_type("float", decimal_mark=decimal_mark)

    @staticmethod
    def to_bool() -> DataType:
        """Truth values.

        Returns:
            The type.
        """
        return _data_type("bool")

    @staticmethod
    def to_stream(workspace: Any, escaped: bool = False) -> NoReturn:
        """Refuse: columns hold no files."""
        not_yet("columns that hold files are not there yet; make a FileDataset of the files")

    @staticmethod
    def to_datetime(formats: Union[str, List[str], None] = None) -> DataType:
        """Times, in one of the formats of `strptime`; guessed when `None`.

        Args:
            formats: One format, or several that are tried in turn.

        Returns:
            The type.
        """
        listed = [formats] if isinstance(formats, str) else list(formats or [])
        return _data_type("datetime", formats=listed)


def _data_type(kind: str, **settings: Any) -> DataType:
    made = DataType()
    made._spec = {"type": kind, **settings}
    return made


def _table(
    path: Any, reading: Dict[str, Any], validate: bool, partition_format: Optional[str]
) -> TabularDataset:
    from azureml.data.tabular_dataset import TabularDataset

    given = _places.given(path)
    definition = Definition(TABLE, given.places, reading, (), _checked_format(partition_format))
    return _checked(TabularDataset, definition, given, validate)


def _checked_format(partition_format: Optional[str]) -> Optional[str]:
    _partitions.keys(partition_format)
    return partition_format


def _checked(kind: Type[D], definition: Definition, given: _places.Given, validate: bool) -> D:
    """The dataset, after a look at its files if that is asked for.

    Raises:
        DatasetValidationError: It has none.
    """
    from azureml.data.dataset_error_handling import DatasetValidationError

    workspace = next((each.workspace for each in given.datastores.values()), None)
    made = kind._make(definition, workspace, given.datastores)
    if validate and not made._all_files():
        raise DatasetValidationError(
            "{}: there are no files at {}; pass validate=False if they come later".format(
                NOTHING_THERE,
                ", ".join(str(next(reversed(list(each.values())))) for each in given.places),
            )
        )
    return made
