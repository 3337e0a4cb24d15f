"""`dbutils.fs`: files by the file systems that Spark knows.

A path without a scheme is on the file system that is Spark's default: DBFS, as on Databricks.
DBFS is a folder of the machine here (`docs/spark.md`), so that is where `/mnt` is as well.
"""

from __future__ import annotations

import os
from typing import Any, List, NamedTuple


class FileInfo(NamedTuple):
    """One entry of a folder."""

    path: str
    name: str
    size: int
    modificationTime: int

    def isDir(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")

    def isFile(self) -> bool:
        """Whether it is a file."""
        return not self.isDir()


class MountInfo(NamedTuple):
    """One mount."""

    mountPoint: str
    source: str
    encryptionType: str = ""


class Fs(object):
    """Files and mounts."""

    def __init__(self, spark: Any, dbfs_root: str) -> None:
        self._jvm = spark._jvm
        self._conf = spark._jsc.hadoopConfiguration()
        self._root = dbfs_root

    def ls(self, path: str) -> List[FileInfo]:
        """The entries of a folder, or the file itself."""
        at, system = self._open(path)
        found = []
        for status in system.listStatus(at):
            where = status.getPath()
            slash = "/" if status.isDirectory() else ""
            size = 0 if slash else int(status.getLen())
            found.append(
                FileInfo(
                    where.toString() + slash,
                    where.getName() + slash,
                    size,
                    int(status.getModificationTime()),
                )
            )
        return sorted(found)

    def cp(self, source: str, to: str, recurse: bool = False) -> bool:
        """Copy a file, or with `recurse` a folder."""
        self._transfer(source, to, recurse, False)
        return True

    def mv(self, source: str, to: str, recurse: bool = False) -> bool:
        """Move a file, or with `recurse` a folder."""
        self._transfer(source, to, recurse, True)
        return True

    def rm(self, path: str, recurse: bool = False) -> bool:
        """Remove a file, or with `recurse` a folder; whether there was one."""
        at, system = self._open(path)
        if not system.exists(at):
            return False
        if system.getFileStatus(at).isDirectory() and not recurse:
            if len(system.listStatus(at)):
                raise OSError(f"`{path}` is a folder with files; pass recurse=True")
        return bool(system.delete(at, True))

    def mkdirs(self, path: str) -> bool:
        """Make a folder and those above it."""
        at, system = self._open(path)
        return bool(system.mkdirs(at))

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        """Write a text as a file."""
        at, system = self._open(file)
        if system.exists(at) and not overwrite:
            raise FileExistsError(f"`{file}` exists; pass overwrite=True")
        stream = system.create(at, True)
        data = contents.encode("utf-8")
        stream.write(data, 0, len(data))
        stream.close()
        print(f"Wrote {len(data)} bytes.")
        return True

    def head(self, file: str, maxBytes: int = 65536) -> str:
        """The first bytes of a file as text."""
        at, system = self._open(file)
        size = min(int(maxBytes), int(system.getFileStatus(at).getLen()))
        stream = system.open(at)
        try:
            data = stream.readNBytes(size)
        finally:
            stream.close()
        return bytes(data).decode("utf-8", "replace")

    def mount(
        self,
        source: str,
        mountPoint: str,
        encryptionType: str = "",
        owner: Any = None,
        extraConfigs: Any = None,
        **kwargs: Any,
    ) -> bool:
        """Have a folder of this machine or of DBFS appear below `/mnt`."""
        folder = self._local(source)
        if folder is None:
            raise ValueError(
                f"`{source}` cannot be mounted here: only folders of this machine "
                "(`file:/…`) and of "
                "DBFS can. Register its store as a datastore and pass it as an input of the step; "
                "its URI is then the widget of the input's name"
            )
        link = self._link(mountPoint)
        if os.path.lexists(link):
            raise FileExistsError(f"`{mountPoint}` is mounted already; unmount it first")
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(folder, link)
        return True

    def unmount(self, mountPoint: str) -> bool:
        """Have a mount disappear; the files stay where they are."""
        link = self._link(mountPoint)
        if not os.path.islink(link):
            raise FileNotFoundError(f"`{mountPoint}` is not mounted")
        os.unlink(link)
        return True

    def updateMount(self, source: str, mountPoint: str, *args: Any, **kwargs: Any) -> bool:
        """Mount something else there."""
        self.unmount(mountPoint)
        return self.mount(source, mountPoint)

    def mounts(self) -> List[MountInfo]:
        """The mounts there are."""
        below = os.path.join(self._root, "mnt")
        found = [MountInfo("/", "file:" + self._root)]
        for folder, names, files in os.walk(below):
            for name in sorted(names + files):
                link = os.path.join(folder, name)
                if os.path.islink(link):
                    point = "/" + os.path.relpath(link, self._root)
                    found.append(MountInfo(point, "file:" + os.readlink(link)))
        return found

    def refreshMounts(self) -> bool:
        """Nothing to do: mounts are seen at once."""
        return True

    def _open(self, path: str) -> Any:
        at = self._jvm.org.apache.hadoop.fs.Path(path)
        return at, at.getFileSystem(self._conf)

    def _transfer(self, source: str, to: str, recurse: bool, move: bool) -> None:
        from_at, from_system = self._open(source)
        to_at, to_system = self._open(to)
        if from_system.getFileStatus(from_at).isDirectory() and not recurse:
            raise OSError(f"`{source}` is a folder; pass recurse=True")
        util = self._jvm.org.apache.hadoop.fs.FileUtil
        if not util.copy(from_system, from_at, to_system, to_at, move, True, self._conf):
            raise OSError(f"`{source}` could not be copied to `{to}`")

    def _local(self, uri: str) -> Any:
        scheme, colon, rest = uri.partition(":")
        if not colon:
            return os.path.join(self._root, uri.lstrip("/"))
        path = "/" + rest.lstrip("/")
        if scheme == "file":
            return path
        return os.path.join(self._root, path.lstrip("/")) if scheme == "dbfs" else None

    def _link(self, point: str) -> str:
        parts = [part for part in point.split("/") if part]
        if len(parts) < 2 or parts[0] != "mnt" or ".." in parts:
            raise ValueError(f"a mount point is `/mnt/NAME`, not `{point}`")
        return os.path.join(self._root, *parts)
