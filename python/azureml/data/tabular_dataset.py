"""Datasets of tables: files that are read as rows, with what is done to these."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional, Tuple, Union

from azureml._not_yet import not_yet
from azureml.data import _expressions, _table_write, _tables
from azureml.data.abstract_dataset import (
    AbstractDataset,
    checked_count,
    checked_share,
    made_up_seed,
)
from azureml.exceptions import DatasetTimestampMissingError, UserErrorException

_ON_ERROR = ("null", "fail")


class TabularDataset(AbstractDataset):
    """Rows of delimited, Parquet or JSON lines files.

    Example:
        >>> sales = Dataset.Tabular.from_delimited_files((datastore, "sales/*.csv"))
        >>> dear = sales.filter(sales["amount"] > 15).keep_columns(["city", "amount"])
        >>> dear.to_pandas_dataframe()
             city  amount
        0  Bergen      20
        1    Oslo      30
    """

    @property
    def timestamp_columns(self) -> Tuple[Optional[str], Optional[str]]:
        """The columns of the time of a row, and of the time of its partition."""
        return self._definition.timestamps

    # Reading.

    def to_pandas_dataframe(
        self, on_error: str = "null", out_of_range_datetime: str = "null"
    ) -> Any:
        """Its rows as a pandas data frame.

        Args:
            on_error: What becomes of a value that is not of the type set for its column: `null`,
                or `fail`.
            out_of_range_datetime: The same for times that pandas cannot hold.

        Returns:
            The data frame.

        Raises:
            UserErrorException: `on_error` or `out_of_range_datetime` is something else.
            DatasetExecutionError: A value is not of the type set for its column, and `fail` was
                asked for.
        """
        for choice in (on_error, out_of_range_datetime):
            if choice not in _ON_ERROR:
                raise UserErrorException(f"on_error is `null` or `fail`, not {choice!r}")
        fail = "fail" in (on_error, out_of_range_datetime)
        files = self._compared_files()
        return _tables.read(self._definition, files, "fail" if fail else "null")

    def to_dask_dataframe(
        self,
        sample_size: int = 10000,
        dtypes: Any = None,
        on_error: str = "null",
        out_of_range_datetime: str = "null",
    ) -> Any:
        """Refuse: only pandas is there."""
        not_yet("Dask data frames are not there yet; use to_pandas_dataframe")

    def to_spark_dataframe(self) -> Any:
        """The table as a data frame of Spark, in the session of the program.

        The rows pass through pandas in the driver's memory; a table that is larger is read with
        `spark.read` from the place of the data.

        Returns:
            The data frame.

        Raises:
            UserErrorException: There is no pyspark.
        """
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise UserErrorException(
                "to_spark_dataframe needs pyspark, which this environment has not; add `pyspark` "
                "to its pip packages, or use to_pandas_dataframe"
            ) from None
        builder: Any = SparkSession.builder
        return builder.getOrCreate().createDataFrame(self.to_pandas_dataframe())

    # Rows.

    def skip(self, count: int) -> TabularDataset:
        """The table without its first rows.

        Args:
            count: How many rows are left out.

        Returns:
            Another dataset.
        """
        return self._changed(self._definition.then("skip", count=checked_count(count)))

    def take(self, count: int) -> TabularDataset:
        """The first rows.

        Args:
            count: How many rows.

        Returns:
            Another dataset.
        """
        return self._changed(self._definition.then("take", count=checked_count(count)))

    def take_sample(self, probability: float, seed: Optional[int] = None) -> TabularDataset:
        """Each row with a probability.

        Args:
            probability: The probability, from 0 to 1.
            seed: A number for which the sample is the same each time; made up when `None`.

        Returns:
            Another dataset.
        """
        share = checked_share("probability", probability)
        made = self._definition.then("sample", probability=share, seed=made_up_seed(seed))
        return self._changed(made)

    def random_split(
        self, percentage: float, seed: Optional[int] = None
    ) -> Tuple[TabularDataset, TabularDataset]:
        """The rows in two parts, the first with about `percentage` (0 to 1) of them.

        Args:
            percentage: The share of the first part.
            seed: A number for which the parts are the same each time; made up when `None`.

        Returns:
            The two parts.
        """
        share, seed = checked_share("percentage", percentage), made_up_seed(seed)
        first, second = (
            self._changed(self._definition.then("split", percentage=share, seed=seed, part=part))
            for part in (1, 2)
        )
        return first, second

    def filter(self, expression: Any) -> TabularDataset:
        """The rows that meet a condition, such as `dataset["age"] > 40`.

        Args:
            expression: The condition; several are joined by `&` and `|`.

        Returns:
            Another dataset.
        """
        condition = _expressions.checked(expression)
        return self._changed(self._definition.then("filter", condition=condition))

    # Columns.

    def keep_columns(
        self, columns: Union[str, List[str]], validate: bool = False
    ) -> TabularDataset:
        """The table with these columns only, in this order.

        Args:
            columns: Their names.
            validate: Whether it is made sure now that there are such columns.

        Returns:
            Another dataset.
        """
        names = _names(columns)
        kept = tuple(each if each in names else None for each in self._definition.timestamps)
        definition = self._definition.then("keep", columns=names)._replace(
            timestamps=(kept[0], kept[1])
        )
        made = self._changed(definition)
        if validate:
            made.take(1).to_pandas_dataframe()
        return made

    def drop_columns(self, columns: Union[str, List[str]]) -> TabularDataset:
        """The table without these columns; those it does not have do not matter.

        Args:
            columns: One name, or several.

        Returns:
            Another dataset.
        """
        names = _names(columns)
        kept = tuple(None if each in names else each for each in self._definition.timestamps)
        definition = self._definition.then("drop", columns=names)
        return self._changed(definition._replace(timestamps=(kept[0], kept[1])))

    # Time.

    def with_timestamp_columns(
        self,
        timestamp: Optional[str] = None,
        partition_timestamp: Optional[str] = None,
        validate: bool = False,
        **kwargs: Any,
    ) -> TabularDataset:
        """The table with a column that says the time of each row.

        Args:
            timestamp: The column; `None` for none.
            partition_timestamp: The column of the time of a row's partition.
            validate: Whether it is made sure now that there are such columns.
            kwargs: The older names `fine_grain_timestamp` and `coarse_grain_timestamp`.

        Returns:
            Another dataset.

        Raises:
            UserErrorException: Both are one column, there is only the partition's, or a keyword
                is unknown.
        """
        fine = timestamp or kwargs.pop("fine_grain_timestamp", None)
        coarse = partition_timestamp or kwargs.pop("coarse_grain_timestamp", None)
        kwargs.pop("fine_grain_timestamp", None)
        kwargs.pop("coarse_grain_timestamp", None)
        if kwargs:
            raise UserErrorException(
                "with_timestamp_columns takes no {}".format(", ".join(sorted(kwargs)))
            )
        if fine is None and coarse is not None:
            raise UserErrorException(
                f"partition_timestamp `{coarse}` needs a timestamp: name the column of times too"
            )
        if fine is not None and fine == coarse:
            raise UserErrorException(
                f"`{fine}` cannot be both the timestamp and the partition_timestamp"
            )
        made = self._changed(self._definition._replace(timestamps=(fine, coarse)))
        if validate:
            columns = [each for each in (fine, coarse) if each]
            self.keep_columns(columns, validate=True)
        return made

    def time_before(
        self, end_time: datetime, include_boundary: bool = True, validate: bool = True
    ) -> TabularDataset:
        """The rows before a time.

        Args:
            end_time: The time.
            include_boundary: Whether rows of that very time are among them.
            validate: Without effect.

        Returns:
            Another dataset.

        Raises:
            DatasetTimestampMissingError: No column of times is named.
        """
        return self._in_time(None, end_time, include_boundary)

    def time_after(
        self, start_time: datetime, include_boundary: bool = True, validate: bool = True
    ) -> TabularDataset:
        """The rows after a time.

        Args:
            start_time: The time.
            include_boundary: Whether rows of that very time are among them.
            validate: Without effect.

        Returns:
            Another dataset.

        Raises:
            DatasetTimestampMissingError: No column of times is named.
        """
        return self._in_time(start_time, None, include_boundary)

    def time_recent(
        self, time_delta: timedelta, include_boundary: bool = True, validate: bool = True
    ) -> TabularDataset:
        """The rows of the time that has just passed.

        Args:
            time_delta: How far it reaches back.
            include_boundary: Whether rows of the first moment are among them.
            validate: Without effect.

        Returns:
            Another dataset.

        Raises:
            DatasetTimestampMissingError: No column of times is named.
        """
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        return self._in_time(now - time_delta, None, include_boundary)

    def time_between(
        self,
        start_time: datetime,
        end_time: datetime,
        include_boundary: bool = True,
        validate: bool = True,
    ) -> TabularDataset:
        """The rows between two times.

        Args:
            start_time: The earlier time.
            end_time: The later time.
            include_boundary: Whether rows of those very times are among them.
            validate: Without effect.

        Returns:
            Another dataset.

        Raises:
            DatasetTimestampMissingError: No column of times is named.
        """
        return self._in_time(start_time, end_time, include_boundary)

    def _in_time(
        self, after: Optional[datetime], before: Optional[datetime], inclusive: bool
    ) -> TabularDataset:
        fine, coarse = self._definition.timestamps
        column = fine or coarse
        if column is None:
            raise DatasetTimestampMissingError(
                "the dataset has no column of times; name it by with_timestamp_columns"
            )
        made = self._definition.then(
            "time",
            column=column,
            after=after.isoformat() if after else None,
            before=before.isoformat() if before else None,
            inclusive=bool(inclusive),
        )
        return self._changed(made)

    # Writing.

    def partition_by(
        self,
        partition_keys: List[str],
        target: Any,
        name: Optional[str] = None,
        show_progress: bool = True,
        partition_as_file_dataset: bool = False,
    ) -> Any:
        """Write the rows as Parquet files, those of each combination of values into one folder.

        Args:
            partition_keys: The columns whose values name the folders.
            target: A `DataPath`, a datastore, or a pair of a datastore and a path.
            name: The name under which the result is registered, if it is to be.
            show_progress: Whether each folder is named on standard output.
            partition_as_file_dataset: Whether the result is a dataset of files.

        Returns:
            The dataset that reads what was written; the registered version when it has a name.
        """
        made = _table_write.partition(self, partition_keys, target, show_progress)
        if partition_as_file_dataset:
            from azureml.data.dataset_factory import FileDatasetFactory

            place = made._definition.places[0]
            made = FileDatasetFactory.from_files(
                (made._datastores[place["datastore"]], place["path"]),
                partition_format=made._definition.partition_format,
            )
        if name is None:
            return made
        return made.register(made._workspace, name, create_new_version=True)

    def to_parquet_files(self) -> Any:
        """The rows as they are now, as a dataset of Parquet files on the default datastore.

        Returns:
            The dataset of the files.
        """
        return _table_write.files(self, "parquet")

    def to_csv_files(self, separator: str = ",") -> Any:
        """The rows as they are now, as a dataset of text files on the default datastore.

        Args:
            separator: What stands between the values of a row.

        Returns:
            The dataset of the files.
        """
        return _table_write.files(self, "csv", separator)

    # Profiles, and columns that hold files.

    def submit_profile_run(
        self, compute_target: Any, experiment: Any, cache_datastore_name: Optional[str] = None
    ) -> Any:
        """Refuse: there are no profiles."""
        not_yet("profiles are not there yet; use to_pandas_dataframe().describe()")

    def get_profile(self, workspace: Any = None) -> Any:
        """Refuse: there are no profiles."""
        not_yet("profiles are not there yet; use to_pandas_dataframe().describe()")

    def get_profile_runs(self, workspace: Any = None) -> Any:
        """Refuse: there are no profiles."""
        not_yet("profiles are not there yet; use to_pandas_dataframe().describe()")

    def download(
        self,
        stream_column: str,
        target_path: Optional[str] = None,
        overwrite: bool = False,
        ignore_not_found: bool = True,
    ) -> Any:
        """Refuse: columns hold no files."""
        not_yet("columns that hold files are not there yet; make a FileDataset of the files")

    def mount(self, stream_column: str, mount_point: Optional[str] = None) -> Any:
        """Refuse: columns hold no files."""
        not_yet("columns that hold files are not there yet; make a FileDataset of the files")


def _names(columns: Any) -> List[str]:
    """Names of columns, each once."""
    names = [columns] if isinstance(columns, str) else list(columns)
    if not all(isinstance(each, str) for each in names):
        raise UserErrorException(f"columns are named by texts, not by {columns!r}")
    unique: Dict[str, None] = dict.fromkeys(names)
    return list(unique)
