"""The run of a script that no server started: it prints what is logged, and keeps nothing.

So a training script can be tried on its own. It has no experiment, parent or metrics: asking for
them is an `AttributeError`, as in v1.
"""

from __future__ import annotations

import uuid
from typing import IO, Any, Dict, Mapping, Optional, Sequence, Union


def _attempt(what: str, name: str, value: Any) -> None:
    print(f"Attempted to log {what} {name}:\n{value}")


class _OfflineRun(object):
    """A run that is not recorded anywhere."""

    def __init__(self, parent_logger: Any = None, run_id: Optional[str] = None, **kwargs: Any):
        self._run_id = run_id or f"OfflineRun_{uuid.uuid4()}"

    @property
    def id(self) -> str:
        """An id that no server knows."""
        return self._run_id

    @property
    def identity(self) -> str:
        """A name for logs."""
        return f"_OfflineRun#{self._run_id}"

    def __repr__(self) -> str:
        return f"_OfflineRun(Id: {self._run_id})"

    def __enter__(self) -> _OfflineRun:
        return self

    def __exit__(self, exit_type: Any, value: Any, traceback: Any) -> None:
        """There is no server to tell."""

    # What would be recorded is printed.

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Print properties."""
        print(f"Attempted to add properties {dict(properties)}")

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Print tags."""
        print(f"Attempted to set tags {dict(tags)}")

    def tag(self, name: str, value: Optional[str] = None) -> None:
        """Print a tag."""
        print(f"Attempted to set tag {name}: {value}")

    def log(self, name: str, value: Any, description: str = "") -> None:
        """Print a value."""
        _attempt("scalar metric", name, value)

    def log_list(self, name: str, value: Sequence[Any], description: str = "") -> None:
        """Print a list."""
        _attempt("list metric", name, value)

    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        """Print a table."""
        _attempt("table metric", name, value)

    def log_row(self, name: str, description: Optional[str] = None, **kwargs: Any) -> None:
        """Print a row."""
        _attempt("row metric", name, kwargs)

    def log_image(
        self, name: str, path: Optional[str] = None, plot: Any = None, description: str = ""
    ) -> None:
        """Print that there is an image."""
        _attempt("image metric", name, path or plot)

    def log_residuals(self, name: str, value: Any, description: Optional[str] = None) -> None:
        """Print residuals."""
        _attempt("residuals metric", name, value)

    def log_predictions(self, name: str, value: Any, description: Optional[str] = None) -> None:
        """Print predictions."""
        _attempt("predictions metric", name, value)

    def log_accuracy_table(self, name: str, value: Any, description: Optional[str] = None) -> None:
        """Print an accuracy table."""
        _attempt("accuracy table metric", name, value)

    def log_confusion_matrix(
        self, name: str, value: Any, description: Optional[str] = None
    ) -> None:
        """Print a confusion matrix."""
        _attempt("confusion matrix metric", name, value)

    def upload_folder(self, name: str, path: str, datastore_name: Optional[str] = None) -> None:
        """Print that a folder would be stored."""
        print(f"Attempted to upload folder {path} as {name}")

    def upload_files(
        self,
        name: Sequence[str],
        paths: Sequence[str],
        return_artifacts: bool = False,
        timeout_seconds: Optional[int] = None,
        datastore_name: Optional[str] = None,
    ) -> Optional[Dict[str, Any]]:
        """Print that files would be stored."""
        print(f"Attempted to upload files {list(paths)} as {list(name)}")
        return {} if return_artifacts else None

    def upload_file(
        self, name: str, path_or_stream: Union[str, IO[bytes]], datastore_name: Optional[str] = None
    ) -> None:
        """Print that a file would be stored."""
        print(f"Attempted to upload file {path_or_stream} as {name}")

    def child_run(
        self, name: Optional[str] = None, run_id: Optional[str] = None, outputs: Any = None
    ) -> _OfflineRun:
        """Another run that is not recorded."""
        return _OfflineRun(run_id=run_id)

    # There is nothing to end or send.

    def complete(self) -> None:
        """There is no server to tell."""

    def fail(self, error_details: Any = None, error_code: Optional[str] = None) -> None:
        """There is no server to tell."""

    def cancel(self) -> None:
        """There is no server to tell."""

    def flush(self) -> None:
        """Nothing is kept back."""
