"""The files of runs and models as artifacts of MLflow, at addresses that begin with `azureml:`.

`azureml:/runs/RUN/artifacts/PATH` is a file or folder of a run, and
`azureml:/models/NAME/VERSION/PATH` one of a registered model, at the server of MLflow's tracking
URI. MLflow loads this module with its own, so it needs nothing that is not loaded by then.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote

from mlflow.store.artifact.artifact_repo import ArtifactRepository

from azureml.mlflow._address import SCHEME, client_of


class _Place(NamedTuple):
    """Where artifacts are: what lists them, where each file is, and the folder that is meant."""

    record: str
    files: str
    folder: str


def _place(uri: str) -> _Place:
    path = unquote(uri.partition(":")[2]).strip("/")
    kind, _, rest = path.partition("/")
    parts = rest.split("/")
    if kind == "runs" and len(parts) > 1 and parts[1] == "artifacts":
        record = f"/runs/{parts[0]}/files"
        return _Place(record, record, "/".join(parts[2:]))
    if kind == "models" and len(parts) > 1:
        record = f"/models/{parts[0]}/versions/{parts[1]}"
        return _Place(record, record + "/files", "/".join(parts[2:]))
    raise ValueError(f"`{uri}` is no address of artifacts of a workspace")


def _joined(*parts: Optional[str]) -> str:
    return "/".join(part.strip("/") for part in parts if part and part.strip("/"))


class WorkspaceArtifacts(ArtifactRepository):  # type: ignore[misc, unused-ignore]
    """The artifacts below one address."""

    def __init__(
        self, artifact_uri: str, tracking_uri: Optional[str] = None, *_: Any, **_ignored: Any
    ) -> None:
        """Nothing is asked of a server yet.

        Args:
            artifact_uri: The address.
            tracking_uri: The tracking URI; that of MLflow when absent.
        """
        super().__init__(artifact_uri)
        self._tracking = tracking_uri
        self._place = _place(artifact_uri)

    @property
    def _client(self) -> Any:
        uri = self._tracking
        if not uri:
            from mlflow.tracking import get_tracking_uri

            uri = str(get_tracking_uri())
        # A program may read artifacts of the workspace while it logs elsewhere.
        return client_of(uri if uri.startswith(SCHEME + ":") else "")

    def log_artifact(self, local_file: str, artifact_path: Optional[str] = None) -> None:
        """Store a file; one of that name is replaced.

        Args:
            local_file: The file.
            artifact_path: The folder among the artifacts; their root when absent.
        """
        name = _joined(self._place.folder, artifact_path, os.path.basename(local_file))
        with open(local_file, "rb") as file:
            self._client.send_file(f"{self._place.files}/{name}", file, overwrite=True)

    def log_artifacts(self, local_dir: str, artifact_path: Optional[str] = None) -> None:
        """Store all files of a folder.

        Args:
            local_dir: The folder.
            artifact_path: The folder among the artifacts; their root when absent.
        """
        for folder, _, names in os.walk(local_dir):
            within = os.path.relpath(folder, local_dir).replace(os.sep, "/")
            place = _joined(artifact_path, "" if within == "." else within)
            for name in sorted(names):
                self.log_artifact(os.path.join(folder, name), place)

    def list_artifacts(self, path: Optional[str] = None) -> List[Any]:
        """The files and folders directly in a folder.

        Args:
            path: The folder; the root of these artifacts when absent.

        Returns:
            MLflow's descriptions of them; none for a file, or a folder that is not there.
        """
        from mlflow.entities import FileInfo

        within = _joined(self._place.folder, path)
        prefix = within + "/" if within else ""
        found: Dict[str, Tuple[bool, Optional[int]]] = {}
        for file in self._client.get(self._place.record)["files"]:
            if file["name"].startswith(prefix):
                name, slash, _ = file["name"][len(prefix) :].partition("/")
                found[_joined(path, name)] = (bool(slash), None if slash else file["size"])
        return [FileInfo(name, *about) for name, about in sorted(found.items())]

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        name = _joined(self._place.folder, remote_file_path)
        self._client.save(f"{self._place.files}/{name}", local_path)
