"""Files on a datastore, wherever it is.

A datastore that is a folder of this machine is read and written in place. Everything else goes
through the server, which alone has the credentials: many files at once, each whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Optional

from azureml.data import _local_files
from azureml.data._local_files import Copy
from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.data_reference import DataReference
from azureml.exceptions import UserErrorException
from stepwell._walk import writable

if TYPE_CHECKING:
    from stepwell.client import Client

LANES = 8
LIST_TIMEOUT_S = 300.0
# The server fetches a file whole before it sends it on; the slowest it may be while doing so.
SLOWEST_BYTES_PER_S = 1e6


class StoredFile(NamedTuple):
    """A file of a datastore."""

    path: str
    size: int
    etag: str
    modified: str


class FileStore(AbstractDatastore):
    """A datastore whose data are files with paths."""

    _root: Optional[str] = None

    # References.

    def path(
        self, path: Optional[str] = None, data_reference_name: Optional[str] = None
    ) -> DataReference:
        """A reference to a path on it."""
        return DataReference(self, data_reference_name, path)

    def as_download(self, path_on_compute: Optional[str] = None) -> DataReference:
        """A reference to all of it, copied to the script."""
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute: Optional[str] = None) -> DataReference:
        """A reference to it, to which what the script wrote is copied."""
        return self.path().as_upload(path_on_compute)

    def as_mount(self) -> DataReference:
        """A reference to all of it, read and written in its place."""
        return self.path().as_mount()

    # Files.

    def download(
        self,
        target_path: str,
        prefix: Optional[str] = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> int:
        """Copy files to this program's machine and return how many were copied.

        Args:
            target_path: The folder they go to; their paths on the datastore are kept below it.
            prefix: The file or the folder to be copied; everything when `None`.
            overwrite: Whether files that are there are replaced.
            show_progress: Whether each file is named on standard output.
        """
        from stepwell._names import below

        files = self._list(_local_files.relative(prefix))
        copies = [Copy(each.path, below(target_path, each.path)) for each in files]
        sizes = {each.path: each.size for each in files}

        def fetch(copy: Copy) -> bool:
            if os.path.exists(copy.target) and not overwrite:
                return False
            self._fetch(copy.source, copy.target, sizes[copy.source])
            return True

        return _run(copies, fetch, show_progress, "Downloaded")

    def upload(
        self,
        src_dir: str,
        target_path: Optional[str] = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy a folder to the datastore and return a reference to it there.

        Args:
            src_dir: The folder.
            target_path: The path it gets; the datastore's root when `None`.
            overwrite: Whether files that are there are replaced.
            show_progress: Whether each file is named on standard output.
        """
        target = _local_files.relative(target_path)
        self._put(_local_files.of_folder(src_dir, target), overwrite, show_progress)
        return self.path(target or None)

    def upload_files(
        self,
        files: List[str],
        relative_root: Optional[str] = None,
        target_path: Optional[str] = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy files to the datastore and return a reference to the folder they are in there.

        Args:
            files: The files.
            relative_root: The folder from which on their paths are kept; the deepest that holds
                all of them when `None`.
            target_path: The path they get; the datastore's root when `None`.
            overwrite: Whether files that are there are replaced.
            show_progress: Whether each file is named on standard output.
        """
        if not files or isinstance(files, str):
            raise UserErrorException("files is a list of at least one path")
        target = _local_files.relative(target_path)
        copies = _local_files.of_files(list(files), relative_root, target)
        self._put(copies, overwrite, show_progress)
        return self.path(target or None)

    def _put(self, copies: List[Copy], overwrite: bool, show_progress: bool) -> int:
        """Copy files to their paths on the datastore; return how many were copied."""
        there = None if overwrite or self._is_here() else self._paths_of(copies)

        def send(copy: Copy) -> bool:
            path = copy.target.replace(os.sep, "/")
            if not overwrite and (path in there if there is not None else self._has_here(path)):
                return False
            self._send(copy.source, path)
            return True

        return _run(copies, send, show_progress, "Uploaded")

    def _paths_of(self, copies: List[Copy]) -> Any:
        """The paths that the datastore has where files are about to go."""
        if len(copies) == 1:
            return {each.path for each in self._list(copies[0].target.replace(os.sep, "/"))}
        folders = [os.path.dirname(each.target) for each in copies]
        common = os.path.commonpath(folders) if all(folders) else ""
        return {each.path for each in self._list(common.replace(os.sep, "/"))}

    # How it is done: in place, or through the server.

    def _is_here(self) -> bool:
        """Whether it is a folder of this machine."""
        return self._root is not None and os.path.isdir(self._root)

    def _has_here(self, path: str) -> bool:
        return os.path.exists(os.path.join(str(self._root), path))

    def _list(self, path: str) -> List[StoredFile]:
        """The files that a path stands for: those below it, or the one that it names."""
        if self._is_here():
            root = str(self._root)
            start = os.path.join(root, path)
            found = [start] if os.path.isfile(start) else _local_files.files(start)
            # Of a name that is not UTF-8 nothing can be said to anyone.
            return [_here(root, each) for each in found if writable(each) == each]
        import json

        answer = self._client().read(
            self._address(), {"path": path} if path else None, LIST_TIMEOUT_S
        )
        return [
            StoredFile(each["path"], each["size"], each["etag"], each["modified_at"])
            for each in json.loads(answer.body)["files"]
        ]

    def _fetch(self, path: str, target: str, size: int) -> None:
        """Write one file of the datastore to `target`."""
        if self._is_here():
            return _copy(os.path.join(str(self._root), path), target)
        patience = 30.0 + size / SLOWEST_BYTES_PER_S
        self._client().save(self._address(path), target, timeout_s=patience)

    def _send(self, source: str, path: str) -> None:
        """Put one file under a path; whatever was there is replaced."""
        if self._is_here():
            return _copy(source, os.path.join(str(self._root), path))
        with open(source, "rb") as content:
            self._client().send_file(self._address(path), content, overwrite=True)

    def _folder(self) -> str:
        """The folder it is on this machine.

        Raises:
            UserErrorException: It is none.
        """
        if self._root is None or not os.path.isdir(self._root):
            raise UserErrorException(f"datastore `{self._name}` is not a folder of this machine")
        return self._root

    def _client(self) -> Client:
        if self._workspace is None:
            raise UserErrorException(
                f"datastore `{self._name}` belongs to no workspace; take it from one with "
                "`Datastore.get(workspace, name)`"
            )
        client: Client = self._workspace._client
        return client

    def _address(self, path: str = "") -> str:
        address = f"/datastores/{self._name}/files"
        return f"{address}/{path}" if path else address


def _here(root: str, location: str) -> StoredFile:
    about = os.stat(location)
    path = os.path.relpath(location, root).replace(os.sep, "/")
    etag = f"{about.st_mtime_ns}-{about.st_size}"
    return StoredFile(path, about.st_size, etag, str(about.st_mtime))


def _copy(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    aside = f"{target}.{os.getpid()}.part"
    try:
        shutil.copyfile(source, aside)
        os.replace(aside, target)
    finally:
        if os.path.exists(aside):
            os.remove(aside)


def _run(copies: List[Copy], move: Callable[[Copy], bool], show_progress: bool, verb: str) -> int:
    """Move files, many at once, and say so; return how many were moved."""
    done = 0
    # An error cancels what has not begun.
    # It loads `logging` and more, which a program that only names a datastore need not wait for.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(LANES) as lanes:
        for number, (copy, moved) in enumerate(zip(copies, lanes.map(move, copies)), 1):
            done += moved
            if show_progress and moved:
                print(f"{verb} {copy.source} ({number} of {len(copies)})")
            elif show_progress:
                print(f"{copy.target} is there already; left alone")
    if show_progress:
        print(f"{verb} {done} of {len(copies)} files")
    return done
