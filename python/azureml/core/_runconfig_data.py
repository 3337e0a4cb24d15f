"""The parts of a `RunConfiguration` that are about data: what is read, and where it goes.

Programs import these classes from `azureml.core.runconfig`. They describe; the data objects of
`azureml.data` are what programs pass to steps.
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Optional, Tuple

from azureml._not_yet import not_yet
from azureml.core._element import Element
from azureml.exceptions import UserErrorException

SUPPORTED_DATAREF_MODES = ["mount", "download", "upload"]
SUPPORTED_DELIVERY_MECHANISM = ["direct", "mount", "download", "upload"]


class DataReferenceConfiguration(Element):
    """A place on a datastore and how a script reads it."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "data_store_name",
        "path_on_data_store",
        "mode",
        "overwrite",
        "path_on_compute",
    )

    def __init__(
        self,
        datastore_name: Optional[str] = None,
        mode: str = "mount",
        path_on_datastore: Optional[str] = None,
        path_on_compute: Optional[str] = None,
        overwrite: bool = False,
    ) -> None:
        self.data_store_name = datastore_name
        self.mode: str = _one_of("mode", mode, SUPPORTED_DATAREF_MODES)
        self.path_on_data_store = path_on_datastore
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite


class DataPath(Element):
    """A place on a datastore."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("datastore_name", "relative_path")

    def __init__(
        self, datastore_name: Optional[str] = None, relative_path: Optional[str] = None
    ) -> None:
        self.datastore_name = datastore_name
        self.relative_path = relative_path


class Dataset(Element):
    """A dataset by its id, or by its name and version."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("id", "name", "version")

    def __init__(
        self,
        dataset_id: Optional[str] = None,
        dataset_name: Optional[str] = None,
        dataset_version: Optional[str] = None,
    ) -> None:
        self.id = dataset_id
        self.name = dataset_name
        self.version = dataset_version


class Uri(Element):
    """A file or a folder by its address."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("path", "is_file")

    def __init__(self, path: Optional[str] = None, is_file: bool = False) -> None:
        self.path = path
        self.is_file = is_file


class DataLocation(Element):
    """Where data is: a dataset, a place on a datastore, or an address."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("dataset", "data_path", "uri")
    SHAPES: ClassVar[Dict[str, Any]] = {"dataset": Dataset, "data_path": DataPath, "uri": Uri}

    def __init__(
        self,
        dataset: Optional[Dataset] = None,
        data_path: Optional[DataPath] = None,
        uri: Optional[Uri] = None,
    ) -> None:
        self.dataset = dataset
        self.data_path = data_path
        self.uri = uri


class Data(Element):
    """What a script reads and how it comes."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "data_location",
        "create_output_directories",
        "mechanism",
        "environment_variable_name",
        "path_on_compute",
        "overwrite",
        "options",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {"data_location": DataLocation}

    def __init__(
        self,
        data_location: Optional[DataLocation] = None,
        create_output_directories: Optional[bool] = None,
        mechanism: str = "direct",
        environment_variable_name: Optional[str] = None,
        path_on_compute: Optional[str] = None,
        overwrite: bool = False,
        options: Optional[Dict[str, str]] = None,
    ) -> None:
        self.data_location = data_location
        self.create_output_directories = create_output_directories
        self.mechanism: str = _one_of("mechanism", mechanism, SUPPORTED_DELIVERY_MECHANISM)
        self.environment_variable_name = environment_variable_name
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite
        self.options = options

    @staticmethod
    def create(data: Any) -> Data:
        """Refuse: datasets are not there yet."""
        not_yet("datasets are not there yet; pass `datastore.path(...).as_mount()` to a step")


class DatacacheConfiguration(Element):
    """A copy of a dataset near the compute."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "datacache_id",
        "datacache_store",
        "dataset_id",
        "mode",
        "path_on_compute",
        "replica",
        "failure_fallback",
    )

    def __init__(
        self,
        dataset_id: Optional[str] = None,
        datacache_store: Optional[str] = None,
        datacache_id: Optional[str] = None,
        mode: str = "mount",
        path_on_compute: Optional[str] = None,
        replica: Optional[int] = None,
        failure_fallback: bool = False,
    ) -> None:
        self.dataset_id = dataset_id
        self.datacache_store = datacache_store
        self.datacache_id = datacache_id
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.replica = replica
        self.failure_fallback = failure_fallback

    @staticmethod
    def create(data: Any) -> DatacacheConfiguration:
        """Refuse: there are no caches of datasets."""
        not_yet("there are no caches of datasets; pass `datastore.path(...).as_mount()` to a step")


class DatasetRegistrationOptions(Element):
    """What is done to an output before it is registered as a dataset."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("additional_transformation",)

    def __init__(self, additional_transformations: Optional[str] = None) -> None:
        self.additional_transformation = additional_transformations


class RegistrationOptions(Element):
    """The name under which an output is registered as a dataset."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "name",
        "description",
        "tags",
        "dataset_registration_options",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {"dataset_registration_options": DatasetRegistrationOptions}

    def __init__(
        self,
        name: Optional[str] = None,
        description: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        dataset_registration_options: Optional[DatasetRegistrationOptions] = None,
    ) -> None:
        self.name = name
        self.description = description
        self.tags = tags
        self.dataset_registration_options = dataset_registration_options


class GlobsOptions(Element):
    """Patterns of file names."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("patterns",)

    def __init__(self, patterns: Optional[List[str]] = None) -> None:
        self.patterns = patterns


class UploadOptions(Element):
    """How an output is uploaded."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("overwrite", "source_globs")
    SHAPES: ClassVar[Dict[str, Any]] = {"source_globs": GlobsOptions}

    def __init__(
        self, overwrite: bool = False, source_globs: Optional[GlobsOptions] = None
    ) -> None:
        self.overwrite = overwrite
        self.source_globs = source_globs


class MountOptions(Element):
    """How an output is mounted."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("disable_metadata_cache",)

    def __init__(self, disable_metadata_cache: bool = False) -> None:
        self.disable_metadata_cache = disable_metadata_cache


class OutputOptions(Element):
    """Where the script writes an output, and what becomes of it."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "path_on_compute",
        "registration_options",
        "upload_options",
        "mount_options",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {
        "registration_options": RegistrationOptions,
        "upload_options": UploadOptions,
        "mount_options": MountOptions,
    }

    def __init__(
        self,
        path_on_compute: Optional[str] = None,
        registration_options: Optional[RegistrationOptions] = None,
        upload_options: Optional[UploadOptions] = None,
        mount_options: Optional[MountOptions] = None,
    ) -> None:
        self.path_on_compute = path_on_compute
        self.registration_options = registration_options
        self.upload_options = upload_options
        self.mount_options = mount_options


class OutputData(Element):
    """What a script writes and where it goes."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("output_location", "mechanism", "additional_options")
    SHAPES: ClassVar[Dict[str, Any]] = {
        "output_location": DataLocation,
        "additional_options": OutputOptions,
    }

    def __init__(
        self,
        output_location: Optional[DataLocation] = None,
        mechanism: str = "mount",
        additional_options: Optional[OutputOptions] = None,
    ) -> None:
        self.output_location = output_location
        self.mechanism = mechanism
        self.additional_options = additional_options


def _one_of(name: str, value: str, known: List[str]) -> str:
    if str(value).lower() not in known:
        raise UserErrorException("{} is one of {}, not `{}`".format(name, ", ".join(known), value))
    return value
