"""Datasets of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional, Tuple

from azureml._not_yet import not_yet
from azureml.data import _expressions, _file_steps, _transfer
from azureml.data.abstract_dataset import (
    AbstractDataset,
    checked_count,
    checked_share,
    made_up_seed,
)
from azureml.data.constants import DOWNLOAD_MODE, MOUNT_MODE

if TYPE_CHECKING:
    from azureml.data._files import Found
    from azureml.data._transfer import MountContext
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig


class FileDataset(AbstractDataset):
    """Files on datastores, on this machine or behind URLs.

    Example:
        >>> files = Dataset.File.from_files((datastore, "sales"))
        >>> files.to_path()
        ['/sales.csv']
        >>> with files.mount() as mounted:
        ...     os.listdir(mounted.mount_point)
        ['sales.csv']
        >>> prepare = PythonScriptStep(
        ...     "prepare.py",
        ...     source_directory="src",
        ...     arguments=["--from", files.as_named_input("sales").as_mount()],
        ...     compute_target="cpu-cluster",
        ... )
    """

    def _found(self) -> List[Found]:
        """Its files."""
        return _file_steps.apply(self._compared_files(), self._definition)

    def to_path(self) -> List[str]:
        """The paths of its files within the dataset, each beginning with a slash.

        Returns:
            The paths.
        """
        return ["/" + each.name for each in self._found()]

    def download(
        self,
        target_path: Optional[str] = None,
        overwrite: bool = False,
        ignore_not_found: bool = False,
    ) -> List[str]:
        """Copy its files to this machine.

        Args:
            target_path: The folder they go to; a fresh one when `None`.
            overwrite: Whether files that are there are replaced; otherwise they are an error.
            ignore_not_found: Whether a file that vanished meanwhile is left out.

        Returns:
            The paths of the copies.
        """
        return _transfer.download(self._found(), target_path, overwrite, ignore_not_found)

    def mount(self, mount_point: Optional[str] = None, **kwargs: Any) -> MountContext:
        """A folder in which its files appear between `start` and `stop`, or within `with`.

        Files of this machine are linked, not copied: writing to one writes to the original.

        Args:
            mount_point: The folder, which must be empty if it exists; a fresh one when `None`.
            kwargs: Options of v1's mounts, which change nothing here.

        Returns:
            The folder as `mount_point`, with `start` and `stop`.
        """
        return _transfer.MountContext(self._found, mount_point)

    def as_mount(self, path_on_compute: Optional[str] = None) -> DatasetConsumptionConfig:
        """The files as an input of a step, read in their place.

        Args:
            path_on_compute: Where the script finds them: a path in its working directory.

        Returns:
            The input, for `inputs` or `arguments`.
        """
        return self._input(MOUNT_MODE, path_on_compute)

    def as_download(self, path_on_compute: Optional[str] = None) -> DatasetConsumptionConfig:
        """The files as an input of a step, copied to the script.

        Args:
            path_on_compute: Where the script finds them: a path in its working directory.

        Returns:
            The input, for `inputs` or `arguments`.
        """
        return self._input(DOWNLOAD_MODE, path_on_compute)

    def _input(self, mode: str, path_on_compute: Optional[str]) -> DatasetConsumptionConfig:
        """An input whose name follows from the definition, so that a step can be reused."""
        import hashlib
        import json

        from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

        text = json.dumps(self._definition.to_json(), sort_keys=True)
        name = "input_" + hashlib.sha256(text.encode()).hexdigest()[:8]
        return DatasetConsumptionConfig(name, self, mode, path_on_compute)

    def as_hdfs(self) -> DatasetConsumptionConfig:
        """Refuse: there is no Spark to read it."""
        not_yet("datasets are not handed over to Spark yet; use as_mount in a PythonScriptStep")

    def skip(self, count: int) -> FileDataset:
        """The dataset without its first files.

        Args:
            count: How many files are left out.

        Returns:
            Another dataset.
        """
        return self._changed(self._definition.then("skip", count=checked_count(count)))

    def take(self, count: int) -> FileDataset:
        """The first files.

        Args:
            count: How many files.

        Returns:
            Another dataset.
        """
        return self._changed(self._definition.then("take", count=checked_count(count)))

    def take_sample(self, probability: float, seed: Optional[int] = None) -> FileDataset:
        """Each file with a probability.

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
    ) -> Tuple[FileDataset, FileDataset]:
        """The files in two parts, the first with about `percentage` (0 to 1) of them.

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

    def file_metadata(self, col: str) -> Any:
        """A fact about each file, for `filter`: `Size`, `CreatedTime` or `ModifiedTime`.

        Args:
            col: The fact's name.

        Returns:
            The fact, to be compared with a value.

        Raises:
            UserErrorException: Nothing of that name is known of files.
        """
        return _file_steps.known_fact(col)

    def filter(self, expression: Any) -> FileDataset:
        """The files that meet a condition on their facts or on the columns of their paths.

        Args:
            expression: The condition, such as `dataset.file_metadata("Size") > 1000`.

        Returns:
            Another dataset.
        """
        condition = _expressions.checked(expression)
        return self._changed(self._definition.then("filter", condition=condition))

    def as_cache(self, datacache_store: Any) -> Any:
        """Refuse: data is read where it is."""
        not_yet("there are no caches of datasets; data is read where it is")

    def hydrate(self, datacache_store: Any, replica_count: Optional[int] = None) -> Any:
        """Refuse: data is read where it is."""
        not_yet("there are no caches of datasets; data is read where it is")
