"""The files of a run: outputs, logs and what was uploaded, to and from the server.

Names of files have `/` between their parts on every system. A file of a run is written once:
uploading under a name that exists is refused.
"""

from __future__ import annotations

import os
from typing import IO, Any, Dict, List, Optional, Sequence, Union

from azureml._not_yet import not_yet
from azureml.core._run_core import LOG_FILE, RunCore
from azureml.exceptions import UserErrorException
from stepwell import errors
from stepwell._walk import files_below, writable


class RunFiles(RunCore):
    """The part of a run that holds files."""

    def upload_file(
        self, name: str, path_or_stream: Union[str, IO[bytes]], datastore_name: Optional[str] = None
    ) -> Any:
        """Store a file of this machine, or the bytes of a stream.

        Args:
            name: The name it gets in the run, such as `outputs/model.pkl`.
            path_or_stream: The file, or a stream that is open in binary mode.
            datastore_name: Must be `None`: files of a run are kept with the run.

        Returns:
            What it became: `artifacts` has it by its name.

        Raises:
            UserErrorException: There is no such file, or the run has one of that name already.
        """
        _only_default(datastore_name)
        if hasattr(path_or_stream, "read"):
            self._upload(name, path_or_stream)  # type: ignore[arg-type]
            return self._uploaded([name])
        path = os.fspath(path_or_stream)  # type: ignore[arg-type]
        if not os.path.isfile(path):
            raise UserErrorException(
                f"cannot upload `{os.path.abspath(path)}` as `{name}`: there is no such file"
            )
        with open(path, "rb") as file:
            self._upload(name, file)
        return self._uploaded([name])

    def upload_folder(self, name: str, path: str, datastore_name: Optional[str] = None) -> Any:
        """Store all files of a folder, and of those below it, under `name`.

        Args:
            name: What their names in the run begin with.
            path: The folder.
            datastore_name: Must be `None`: files of a run are kept with the run.

        Returns:
            What they became: `artifacts` has each by its name, `serialize()` all as a dictionary.

        Raises:
            UserErrorException: There is no such folder, or the run has a file of one of the names.
        """
        _only_default(datastore_name)
        if not os.path.isdir(path):
            raise UserErrorException(
                f"cannot upload `{os.path.abspath(path)}` as `{name}`: there is no such folder"
            )
        stored = []
        for file in files_below(path):
            relative = writable(os.path.relpath(file, path)).replace(os.sep, "/")
            stored.append("{}/{}".format(name.rstrip("/"), relative))
            self.upload_file(stored[-1], file)
        return self._uploaded(stored)

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[str],
        return_artifacts: bool = False,
        timeout_seconds: Optional[int] = None,
        datastore_name: Optional[str] = None,
    ) -> Optional[Dict[str, Any]]:
        """Store files of this machine, each under the name at the same place in `names`.

        Args:
            names: The names they get in the run.
            paths: The files, as many as names.
            return_artifacts: Whether a dictionary of what was stored is returned.
            timeout_seconds: Without effect; each file has a limit of its own.
            datastore_name: Must be `None`: files of a run are kept with the run.

        Returns:
            The stored files by name, if they were asked for.

        Raises:
            TypeError: These are no two lists of the same length.
            UserErrorException: As of `upload_file`.
        """
        if isinstance(names, str) or isinstance(paths, str) or len(names) != len(paths):
            raise TypeError("names and paths must be two lists of the same length")
        for name, path in zip(names, paths):
            self.upload_file(name, path, datastore_name)
        return {name: {"path": name} for name in names} if return_artifacts else None

    def get_file_names(self) -> List[str]:
        """The names of all files of the run.

        Returns:
            Names such as `outputs/model.pkl` and `user_logs/std_log.txt`.
        """
        return self._files()

    def download_file(
        self, name: str, output_file_path: Optional[str] = None, _validate_checksum: bool = False
    ) -> None:
        """Fetch a file; by default into the working directory, under its last name.

        Args:
            name: The file's name in the run, such as `outputs/model.pkl`.
            output_file_path: The file to write, or the folder to put it into.

        Raises:
            UserErrorException: The run has no such file; the text names those it has.
        """
        base = name.rsplit("/", 1)[-1]
        target = os.fspath(output_file_path) if output_file_path else base
        if os.path.isdir(target) or target.endswith(("/", os.sep)):
            target = os.path.join(target, base)
        try:
            self._client.save(f"{self._path}/files/{name}", target)
        except errors.NotFound:
            raise UserErrorException(
                "run {} has no file `{}`; it has: {}".format(
                    self._run_id, name, ", ".join(self._files()[:20]) or "none"
                )
            ) from None

    def download_files(
        self,
        prefix: Optional[str] = None,
        output_directory: Optional[str] = None,
        output_paths: Optional[Sequence[str]] = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: Optional[int] = None,
    ) -> None:
        """Fetch all files whose names begin with `prefix`.

        Args:
            prefix: The beginning of the names; all files when absent.
            output_directory: Where to put them; the working directory when absent.
            output_paths: Instead of that, a path for each of them, in the order of their names.
            batch_size: Accepted; files are fetched one after the other.
            append_prefix: Whether the prefix is kept in the paths.
            timeout_seconds: Accepted; each file has a limit of its own.

        Raises:
            UserErrorException: There are not as many paths as files.
        """
        names = self._files(prefix)
        if output_paths is not None and len(output_paths) != len(names):
            raise UserErrorException(
                "{} paths were given for {} files: {}".format(
                    len(output_paths), len(names), ", ".join(names[:20])
                )
            )
        from stepwell._names import below

        for place, name in enumerate(names):
            if output_paths is not None:
                target = os.path.join(output_directory or "", output_paths[place])
            else:
                kept = name
                if prefix and not append_prefix:
                    kept = name[len(prefix) :].lstrip("/") or name.rsplit("/", 1)[-1]
                target = below(output_directory or "", kept)
            self.download_file(name, target)

    def get_all_logs(self, destination: Optional[str] = None) -> List[str]:
        """Fetch all logs into a folder, named after the run by default; returns their paths.

        Args:
            destination: The folder; it is made if need be.

        Returns:
            The paths of the logs on this machine.
        """
        from stepwell._names import below

        folder = destination or self._run_id
        paths = []
        for name in self._log_names():
            path = below(folder, name)
            self.download_file(name, path)
            paths.append(path)
        return paths

    def get_details_with_logs(self) -> Dict[str, Any]:
        """The details, with the text of each log in place of its address.

        Returns:
            What `get_details` gives, with texts in `logFiles`.
        """
        details = self.get_details()
        details["logFiles"] = {name: self._file_text(name) for name in details["logFiles"]}
        return details

    def take_snapshot(self, file_or_folder_path: str) -> str:
        """Keep a copy of a folder at the server; returns its digest.

        Args:
            file_or_folder_path: The file or the folder.

        Returns:
            The digest, by which `restore_snapshot` finds it.
        """
        self._client.forget_snapshots()
        return self._client.push_snapshot(file_or_folder_path)

    def get_snapshot_id(self) -> Optional[str]:
        """The digest of the files the run was started with.

        Returns:
            The digest; `None` when it was started without files.
        """
        digest: Optional[str] = self._record["snapshot"]
        return digest

    def restore_snapshot(
        self, snapshot_id: Optional[str] = None, path: Optional[str] = None
    ) -> str:
        """Write the files that the run was started with, or those of another snapshot, as a ZIP.

        Args:
            snapshot_id: The digest of a snapshot; that of the run when `None`.
            path: The folder that the ZIP is written into; the system's temporary one when `None`.

        Returns:
            The path of the ZIP.

        Raises:
            UserErrorException: The run was started without files.
        """
        digest = snapshot_id or self.get_snapshot_id()
        if not digest:
            raise UserErrorException(
                f"run {self._run_id} was started without files, so it has no snapshot"
            )
        from azureml.core._run_snapshot import write_zip

        return write_zip(self._client, digest, path)

    def _uploaded(self, names: Sequence[str]) -> Any:
        from azureml._restclient.models import BatchArtifactContentInformationDto

        container = "dcid." + self._run_id
        artifacts = {
            name: {
                "artifactId": f"ExperimentRun/{container}/{name}",
                "origin": "ExperimentRun",
                "container": container,
                "path": name,
            }
            for name in names
        }
        return BatchArtifactContentInformationDto(artifacts)

    def _upload(self, name: str, source: IO[bytes]) -> None:
        if isinstance(source.read(0), str):
            raise UserErrorException(
                f"cannot upload a stream of text as `{name}`; open the file in binary mode"
            )
        if not source.seekable():
            import io

            source = io.BytesIO(source.read())
        try:
            self._client.send_file(f"{self._path}/files/{name}", source)
        except errors.Conflict:
            raise UserErrorException(
                f"run {self._run_id} has a file `{name}` already; upload under another name"
            ) from None

    def _file_text(self, name: str) -> str:
        reply = self._client.read(f"{self._path}/files/{name}")
        return reply.body.decode("utf-8", "replace")

    def _log_text(self) -> str:
        """What the program printed so far; nothing when it has not started."""
        try:
            return self._file_text(LOG_FILE)
        except errors.NotFound:
            return ""


def _only_default(datastore_name: Optional[str]) -> None:
    if datastore_name is not None:
        not_yet("files of a run are kept with the run; leave datastore_name out")
