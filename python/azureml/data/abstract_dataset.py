"""What datasets of files and of tables have in common: an identity and a definition.

A dataset is lazy. It holds no data, only where the data is and what is done to it; files are
looked for each time it is read. Only a registered version remembers what its files were.
"""

from __future__ import annotations

import random
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple, Type, TypeVar

from azureml.data import _expressions, _files, _partitions, _registry
from azureml.data._definition import Definition
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.data._files import Found
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
    from stepwell import _wire

T = TypeVar("T", bound="AbstractDataset")


class AbstractDataset(object):
    """Data with a definition, and, when it is registered, a name and a version."""

    Tabular = TabularDatasetFactory
    File = FileDatasetFactory

    _definition: Definition
    _workspace: Any
    _datastores: Dict[str, Any]
    _record: Optional[_wire.Dataset]
    _is_compared: bool

    def __init__(self) -> None:
        """Refuse: datasets are made by `Dataset.File` and `Dataset.Tabular`."""
        raise UserErrorException(
            "make a dataset by Dataset.File.from_files or Dataset.Tabular.from_delimited_files, "
            "or find one by Dataset.get_by_name"
        )

    @classmethod
    def _make(
        cls: Type[T],
        definition: Definition,
        workspace: Any = None,
        datastores: Optional[Mapping[str, Any]] = None,
        record: Optional[_wire.Dataset] = None,
    ) -> T:
        """A dataset; `record` is what the server knows of it."""
        made = cls.__new__(cls)
        made._definition = definition
        made._workspace = workspace
        made._datastores = dict(datastores or {})
        made._record = record
        made._is_compared = False
        return made

    def _changed(self: T, definition: Definition) -> T:
        """A dataset derived from this one."""
        if self._record is not None and self._record["version"] is not None:
            definition = definition._replace(origin=self._record["id"])
        return self._make(definition, self._workspace, self._datastores)

    # Who it is.

    @property
    def id(self) -> Optional[str]:
        """Its id; `None` until it is saved, which using it in a step or registering it does."""
        return None if self._record is None else str(self._record["id"])

    @property
    def name(self) -> Optional[str]:
        """Its name, when it is registered."""
        return None if self._record is None else self._record["name"]

    @property
    def version(self) -> Optional[int]:
        """Its version, when it is registered."""
        return None if self._record is None else self._record["version"]

    @property
    def description(self) -> Optional[str]:
        """Its description, when it is registered."""
        return None if self._record is None else self._record["description"]

    @property
    def tags(self) -> Optional[Dict[str, str]]:
        """Its tags, when it is registered."""
        return None if self._record is None else dict(self._record["tags"])

    @property
    def data_changed_time(self) -> Optional[datetime]:
        """When one of its files was last modified; `None` when that cannot be known."""
        import os

        times = []
        for each in self._all_files():
            if each.store is not None:
                text = each.listed.modified.replace("Z", "+00:00")
                times.append(datetime.fromisoformat(text))
            elif not each.is_url:
                seconds = os.stat(each.location).st_mtime
                times.append(datetime.fromtimestamp(seconds, timezone.utc))
        return max(times) if times else None

    @property
    def partition_keys(self) -> List[str]:
        """The columns that its partition format names."""
        return _partitions.keys(self._definition.partition_format)

    def __getitem__(self, key: str) -> Any:
        """A column, to be compared in a condition for `filter`."""
        if not isinstance(key, str):
            raise UserErrorException(f"a column is named by a text, not by {key!r}")
        return _expressions.column(key)

    # Finding and registering.

    @staticmethod
    def get_by_name(workspace: Any, name: str, version: Any = "latest", **kwargs: Any) -> Any:
        """A version of a registered dataset.

        Args:
            workspace: The workspace.
            name: The name.
            version: A number, or `latest`.

        Returns:
            The dataset, of files or of a table.

        Raises:
            UserErrorException: There is none.
        """
        from azureml.core._run_details import note_use

        found = _registry.dataset_of(workspace, _registry.by_name(workspace, name, version))
        note_use(found)
        return found

    @staticmethod
    def get_by_id(workspace: Any, id: str, **kwargs: Any) -> Any:
        """The dataset with an id.

        Args:
            workspace: The workspace.
            id: The id.

        Returns:
            The dataset, of files or of a table.

        Raises:
            UserErrorException: There is none.
        """
        return _registry.dataset_of(workspace, _registry.by_id(workspace, id))

    @staticmethod
    def get_all(workspace: Any) -> Dict[str, Any]:
        """The newest version of each registered dataset, by name.

        Args:
            workspace: The workspace.

        Returns:
            The datasets.
        """
        records = _registry.every(workspace)
        return {str(each["name"]): _registry.dataset_of(workspace, each) for each in records}

    def register(
        self: T,
        workspace: Any,
        name: str,
        description: Optional[str] = None,
        tags: Optional[Mapping[str, Any]] = None,
        create_new_version: bool = False,
    ) -> T:
        """Register it as a version of `name` and return that.

        What equals the newest version, files and all, is that version and makes no new one.

        Args:
            workspace: The workspace.
            name: The name.
            description: A description for people.
            tags: Tags of the version.
            create_new_version: Whether a name that is known gets another version.

        Returns:
            The version.

        Raises:
            UserErrorException: The name is known and `create_new_version` is not set, or the data
                is on this machine only.
        """
        self._workspace = workspace
        for place in self._definition.places:
            if "local" in place:
                raise UserErrorException(
                    "{} is a local path, which others cannot read; upload it with "
                    "Dataset.File.upload_directory and register that".format(place["local"])
                )
        files = self._all_files()
        record = _registry.register(
            workspace, self._definition, files, name, description, tags, create_new_version
        )
        return self._make(self._definition, workspace, self._datastores, record)

    def update(
        self: T, description: Optional[str] = None, tags: Optional[Mapping[str, Any]] = None
    ) -> T:
        """Set the description, or put other tags in place of all there are.

        Args:
            description: The description; as before when `None`.
            tags: The tags that it has from now on; as before when `None`.

        Returns:
            The dataset.

        Raises:
            UserErrorException: It is not registered.
        """
        given = {} if tags is None else {"tags": _registry.texts(tags)}
        return self._with_change("update", description=description, **given)

    def add_tags(self: T, tags: Optional[Mapping[str, Any]] = None) -> T:
        """Set tags; those not named stay.

        Args:
            tags: Texts by name; other values become texts.

        Returns:
            The dataset.

        Raises:
            UserErrorException: It is not registered.
        """
        return self._with_change("add_tags", set_tags=_registry.texts(tags))

    def remove_tags(self: T, tags: Optional[List[str]] = None) -> T:
        """Remove tags.

        Args:
            tags: The names of the tags.

        Returns:
            The dataset.

        Raises:
            UserErrorException: It is not registered.
        """
        return self._with_change("remove_tags", remove_tags=[str(each) for each in tags or []])

    def _with_change(self: T, method: str, **what: Any) -> T:
        record = self._registered(method)
        self._record = _registry.change(self._workspace, record["id"], **what)
        return self

    def unregister_all_versions(self) -> None:
        """Take the name away from all its versions. The data, and what reads it by id, stay."""
        name = self._registered("unregister_all_versions")["name"]
        _registry.unregister(self._workspace, str(name))
        self._record = None

    def _registered(self, method: str) -> _wire.Dataset:
        if self._record is None or self._record["name"] is None:
            raise UserErrorException(f"{method} is for registered datasets; register it")
        return self._record

    def _saved_id(self, workspace: Any) -> str:
        """Its id at the server, which keeps the definition if it does not yet."""
        if self._record is None:
            self._workspace = self._workspace or workspace
            self._record = _registry.save(workspace, self._definition)
        return str(self._record["id"])

    # Using it.

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """The dataset as an input of a step, under a name.

        Args:
            name: The name in the step.

        Returns:
            The input, for `inputs` or `arguments`.
        """
        from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig(name, self)

    def get_partition_key_values(
        self, partition_keys: Optional[List[str]] = None
    ) -> List[Dict[str, Any]]:
        """The combinations of values that the paths of its files have, each once.

        Args:
            partition_keys: The columns; all of the partition format when `None`.

        Returns:
            For each combination, the values by column.

        Raises:
            UserErrorException: The partition format names no such column.
        """
        wanted = partition_keys or self.partition_keys
        unknown = [each for each in wanted if each not in self.partition_keys]
        if unknown:
            raise UserErrorException(
                "the dataset has no partition key {}; it has {}".format(
                    ", ".join(unknown), ", ".join(self.partition_keys) or "none"
                )
            )
        found: Dict[Tuple[Any, ...], None] = {}
        for file in self._all_files():
            found[tuple(file.values[each] for each in wanted)] = None
        return [dict(zip(wanted, values)) for values in found]

    def _store_of(self, name: str) -> Any:
        """The datastore of a name."""
        if name not in self._datastores:
            from azureml.core.datastore import Datastore

            if self._workspace is None:
                raise UserErrorException("the dataset belongs to no workspace yet; register it")
            self._datastores[name] = Datastore.get(self._workspace, name)
        return self._datastores[name]

    def _all_files(self) -> List[Found]:
        """The files of its places as they are now."""
        return _files.find(self._definition, self._store_of)

    def _compared_files(self) -> List[Found]:
        """The same; a registered version says, once, when they are not what they were."""
        files = self._all_files()
        origin = self._definition.origin
        if self._record is not None and self._record["version"] is not None:
            origin = self._record["id"]
        if origin is not None and not self._is_compared:
            self._is_compared = True
            _registry.warn_of_changes(self._workspace, origin, files)
        return files

    def __str__(self) -> str:
        """The kind, the name and where the data is."""
        return (
            f"{type(self).__name__}(name={self.name!r}, version={self.version!r}, "
            f"source={list(self._definition.places)!r})"
        )

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)


def made_up_seed(seed: Optional[int]) -> int:
    """A seed, so that what is drawn once stays drawn."""
    return random.SystemRandom().randrange(2**31) if seed is None else int(seed)


def checked_share(name: str, value: Any) -> float:
    """A share between 0 and 1."""
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UserErrorException(f"{name} is between 0 and 1, not {value!r}")
    return float(value)


def checked_count(value: Any) -> int:
    """How many rows or files."""
    if not isinstance(value, int) or value < 0:
        raise UserErrorException(f"count is a whole number from 0 on, not {value!r}")
    return value
