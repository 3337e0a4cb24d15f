"""References to data on a datastore, as steps and run configurations take them."""

from __future__ import annotations

import copy
import posixpath
from typing import TYPE_CHECKING, Any, Optional

from azureml.data import _names
from azureml.data._local_files import text
from azureml.data._written import written
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.runconfig import DataReferenceConfiguration
    from azureml.data.datapath import DataPath, DataPathComputeBinding

_MODES = ("mount", "download", "upload")


class DataReference:
    """A place on a datastore, a name for it, and how a script finds it.

    Example:
        >>> raw = DataReference(datastore, "raw", path_on_datastore="sales", mode="download")
        >>> prepare = PythonScriptStep(
        ...     "prepare.py",
        ...     source_directory="src",
        ...     arguments=["--from", raw],
        ...     inputs=[raw],
        ...     compute_target="cpu-cluster",
        ... )
        >>> raw.path("sales.csv").path_on_datastore
        'sales/sales.csv'
    """

    def __init__(
        self,
        datastore: Any,
        data_reference_name: Optional[str] = None,
        path_on_datastore: Optional[str] = None,
        mode: str = "mount",
        path_on_compute: Optional[str] = None,
        overwrite: bool = False,
    ) -> None:
        """Refer to data.

        Args:
            datastore: The datastore that keeps it.
            data_reference_name: Its name in a step; made up when there is only a path, the
                datastore's when there is neither.
            path_on_datastore: The path below the datastore's root; all of it when `None`.
            mode: `mount`, `download` or `upload`.
            path_on_compute: Where a script finds it.
            overwrite: Kept, without effect.
        """
        self.datastore = datastore
        self.path_on_datastore: Optional[str] = text(path_on_datastore)
        self.data_reference_name: str = data_reference_name or self._made_up_name()
        self.mode: str = self._checked_mode(mode)
        self.path_on_compute: Optional[str] = text(path_on_compute)
        self.overwrite = overwrite

    def _made_up_name(self) -> str:
        if self.path_on_datastore:
            return _names.random_part(16)
        return str(self.datastore.name)

    @staticmethod
    def _checked_mode(mode: str) -> str:
        if mode not in _MODES:
            raise UserErrorException(
                "data is handed over by {}, not by `{}`".format(", ".join(_MODES), mode)
            )
        return mode

    def path(
        self, path: Optional[str] = None, data_reference_name: Optional[str] = None
    ) -> DataReference:
        """A reference to a path below this one.

        Args:
            path: The path; the same place when `None`.
            data_reference_name: Its name in a step; made up when `None`.

        Returns:
            Another reference.
        """
        made = copy.copy(self)
        parts = [part for part in (self.path_on_datastore, text(path)) if part]
        made.path_on_datastore = posixpath.normpath(posixpath.join(*parts)) if parts else None
        made.data_reference_name = data_reference_name or made._made_up_name()
        return made

    def as_download(
        self, path_on_compute: Optional[str] = None, overwrite: bool = False
    ) -> DataReference:
        """The same data, copied to the script.

        Args:
            path_on_compute: Where the script finds it: a path in its working directory.
            overwrite: Kept, without effect.

        Returns:
            Another reference.
        """
        return self._in_mode("download", path_on_compute, overwrite)

    def as_upload(
        self, path_on_compute: Optional[str] = None, overwrite: bool = False
    ) -> DataReference:
        """The same place, to which what the script wrote is copied.

        Args:
            path_on_compute: Where the script writes: a path in its working directory.
            overwrite: Kept, without effect.

        Returns:
            Another reference.
        """
        return self._in_mode("upload", path_on_compute, overwrite)

    def as_mount(self) -> DataReference:
        """The same data, read and written in its place.

        Returns:
            Another reference.
        """
        return self._in_mode("mount", self.path_on_compute, self.overwrite)

    def _in_mode(self, mode: str, path_on_compute: Optional[str], overwrite: bool) -> DataReference:
        made = copy.copy(self)
        made.mode = mode
        made.path_on_compute = text(path_on_compute)
        made.overwrite = overwrite
        return made

    def to_config(self) -> DataReferenceConfiguration:
        """The same in the form that a run configuration takes.

        Returns:
            The configuration.
        """
        from azureml.core.runconfig import DataReferenceConfiguration

        return DataReferenceConfiguration(
            self.datastore.name,
            self.mode,
            self.path_on_datastore,
            self.path_on_compute,
            self.overwrite,
        )

    @staticmethod
    def create(
        data_reference_name: Optional[str] = None,
        datapath: Optional[DataPath] = None,
        datapath_compute_binding: Optional[DataPathComputeBinding] = None,
    ) -> DataReference:
        """The reference that a data path and the way it is handed over make.

        Args:
            data_reference_name: Its name in a step; made up when `None`.
            datapath: The data path.
            datapath_compute_binding: The way.

        Returns:
            The reference.

        Raises:
            UserErrorException: The data path or the way is missing.
        """
        if datapath is None or datapath_compute_binding is None:
            raise UserErrorException("a data reference is made of a data path and a binding")
        return datapath.create_data_reference(data_reference_name, datapath_compute_binding)

    def __str__(self) -> str:
        """The text that stands for it in an argument list."""
        return written(f"$AZUREML_DATAREFERENCE_{self.data_reference_name}", self)

    def __repr__(self) -> str:
        """The text that stands for it in an argument list."""
        return str(self)
