"""How a step reads a dataset, or what an earlier step wrote as one."""

from __future__ import annotations

import copy
from typing import Any, Optional

from azureml.data import _names
from azureml.data._local_files import text
from azureml.data._written import written
from azureml.data.constants import DIRECT_MODE, DOWNLOAD_MODE, HDFS_MODE, MOUNT_MODE
from azureml.exceptions import UserErrorException

_FILE_MODES = (DOWNLOAD_MODE, MOUNT_MODE, HDFS_MODE)
_TABLES = ("TabularDataset", "OutputTabularDatasetConfig", "LinkTabularOutputDatasetConfig")


class DatasetConsumptionConfig:
    """A dataset, its name in a step, and the way it is handed over.

    Example:
        >>> files = Dataset.File.from_files((datastore, "sales"))
        >>> mounted = files.as_named_input("sales").as_mount()
        >>> mounted.name, mounted.mode
        ('sales', 'mount')
        >>> config = ScriptRunConfig("src", "prepare.py", arguments=["--from", mounted])
    """

    _SUPPORTED_MODE = (DIRECT_MODE, *_FILE_MODES)

    def __init__(
        self,
        name: str,
        dataset: Any,
        mode: str = DIRECT_MODE,
        path_on_compute: Optional[str] = None,
    ) -> None:
        """Describe an input.

        Args:
            name: Its name in the step.
            dataset: The dataset, an output of another step, or a pipeline parameter.
            mode: `direct`, `download`, `mount` or `hdfs`.
            path_on_compute: Where a script finds it.
        """
        self.dataset = dataset
        self.name = name
        self.mode: str = self._checked_mode(dataset, mode)
        self.path_on_compute: Optional[str] = text(path_on_compute)

    @property
    def name(self) -> str:
        """Its name in the step."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = _names.checked("input", name)

    @property
    def arg_val(self) -> str:
        """The text that stands for it in an argument list."""
        return written(f"DatasetConsumptionConfig:{self._name}", self)

    @classmethod
    def _checked_mode(cls, dataset: Any, mode: str) -> str:
        mode = str(mode).lower()
        if mode not in cls._SUPPORTED_MODE:
            raise UserErrorException(
                "a dataset is handed over by {}, not by `{}`".format(
                    ", ".join(cls._SUPPORTED_MODE), mode
                )
            )
        default = getattr(dataset, "default_value", dataset)
        if mode in _FILE_MODES and _is_table(getattr(default, "dataset", default)):
            raise UserErrorException(
                f"a table cannot be handed over by `{mode}`, only files can; use `{DIRECT_MODE}`"
            )
        return mode

    def as_download(self, path_on_compute: Optional[str] = None) -> DatasetConsumptionConfig:
        """The same, copied to the script.

        Args:
            path_on_compute: Where the script finds it: a path in its working directory.

        Returns:
            Another input of the same name.

        Raises:
            UserErrorException: It is a table.
        """
        return self._in_mode(DOWNLOAD_MODE, path_on_compute)

    def as_mount(self, path_on_compute: Optional[str] = None) -> DatasetConsumptionConfig:
        """The same, read in its place.

        Args:
            path_on_compute: Where the script finds it: a path in its working directory.

        Returns:
            Another input of the same name.

        Raises:
            UserErrorException: It is a table.
        """
        return self._in_mode(MOUNT_MODE, path_on_compute)

    def as_hdfs(self) -> DatasetConsumptionConfig:
        """The same, read by Spark.

        Returns:
            Another input of the same name.

        Raises:
            UserErrorException: It is a table.
        """
        return self._in_mode(HDFS_MODE, None)

    def _in_mode(self, mode: str, path_on_compute: Optional[str]) -> DatasetConsumptionConfig:
        made = copy.copy(self)
        made.mode = self._checked_mode(self.dataset, mode)
        made.path_on_compute = text(path_on_compute)
        return made

    def __str__(self) -> str:
        """The text that stands for it in an argument list."""
        return self.arg_val


def _is_table(dataset: Any) -> bool:
    return any(each.__name__ in _TABLES for each in type(dataset).__mro__)
