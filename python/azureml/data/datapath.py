"""Places on datastores that can be parameters of a pipeline, and how a script finds them."""

from __future__ import annotations

from typing import Any, Optional

from azureml.data import _names
from azureml.data._local_files import text
from azureml.data.data_reference import DataReference
from azureml.exceptions import UserErrorException


class DataPath:
    """A place on a datastore.

    Example:
        >>> raw = PipelineParameter("raw", DataPath(datastore, "archive"))
        >>> data = (raw, DataPathComputeBinding(mode="mount"))
        >>> prepare = PythonScriptStep(
        ...     "prepare.py",
        ...     source_directory="src",
        ...     arguments=["--from", data],
        ...     inputs=[data],
        ...     compute_target="cpu-cluster",
        ... )
        >>> pipeline = Pipeline(workspace, [prepare])
        >>> run = pipeline.submit("nightly", {"raw": DataPath(datastore, "sales")})
        >>> run.wait_for_completion(show_output=False)
        'Finished'
    """

    def __init__(
        self,
        datastore: Any = None,
        path_on_datastore: Optional[str] = None,
        name: Optional[str] = None,
    ) -> None:
        """Name a place.

        Args:
            datastore: The datastore.
            path_on_datastore: The path below its root; all of it when `None`.
            name: What a step calls it.
        """
        self._datastore = datastore
        self._path_on_datastore: Optional[str] = text(path_on_datastore)
        self._name = name

    @property
    def datastore_name(self) -> Optional[str]:
        """The name of the datastore."""
        return None if self._datastore is None else str(self._datastore.name)

    @property
    def path_on_datastore(self) -> Optional[str]:
        """The path below the datastore's root."""
        return self._path_on_datastore

    def create_data_reference(
        self,
        data_reference_name: Optional[str] = None,
        datapath_compute_binding: Optional[DataPathComputeBinding] = None,
    ) -> DataReference:
        """The reference to this place that `datapath_compute_binding` completes.

        Args:
            data_reference_name: Its name in a step; this place's, or a made-up one, when `None`.
            datapath_compute_binding: How a script finds the data; by mounting when `None`.

        Returns:
            The reference.

        Raises:
            UserErrorException: The data path names no datastore.
        """
        if self._datastore is None:
            raise UserErrorException("the data path names no datastore")
        binding = datapath_compute_binding or DataPathComputeBinding()
        return DataReference(
            self._datastore,
            data_reference_name or self._name or self._made_up_name(),
            self._path_on_datastore,
            binding._mode,
            binding._path_on_compute,
            binding._overwrite,
        )

    def _made_up_name(self) -> str:
        return _names.made_up(str(self.datastore_name))

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataPath:
        """The place that a reference is about.

        Args:
            data_reference: The reference.

        Returns:
            The place.
        """
        return DataPath(
            data_reference.datastore,
            data_reference.path_on_datastore,
            data_reference.data_reference_name,
        )

    def __repr__(self) -> str:
        """The datastore and the path."""
        return (
            f"DataPath(datastore={self.datastore_name!r}, "
            f"path_on_datastore={self._path_on_datastore!r})"
        )


class DataPathComputeBinding:
    """How a script finds the data of a data path."""

    def __init__(
        self, mode: str = "mount", path_on_compute: Optional[str] = None, overwrite: bool = False
    ) -> None:
        """Say how: `mount`, `download` or `upload`, and where."""
        self._mode = DataReference._checked_mode(mode)
        self._path_on_compute: Optional[str] = text(path_on_compute)
        self._overwrite = overwrite

    def create_data_reference(
        self, data_reference_name: Optional[str] = None, datapath: Optional[DataPath] = None
    ) -> DataReference:
        """The reference to a place that this completes."""
        if datapath is None:
            raise UserErrorException("a data reference needs a data path")
        return datapath.create_data_reference(data_reference_name, self)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataPathComputeBinding:
        """How a reference hands its data over."""
        return DataPathComputeBinding(
            data_reference.mode, data_reference.path_on_compute, data_reference.overwrite
        )
