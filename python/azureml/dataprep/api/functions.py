"""Functions of the files that a dataset names."""

from __future__ import annotations

from typing import Any

from azureml._unsupported import Getattr, unsupported_names
from azureml.data._expressions import Expression
from azureml.data._file_steps import known_fact

_SENTENCES = {
    "get_portable_path": (
        "get_portable_path is not there; FileDataset.to_path gives the paths of the files"
    )
}

__all__ = [*_SENTENCES, "get_stream_properties"]

__getattr__: Getattr = unsupported_names(globals(), _SENTENCES)


class _Facts:
    """Facts about each file of a dataset, by name."""

    def __getitem__(self, name: str) -> Expression:
        return known_fact(name)


def get_stream_properties(stream: Any) -> Any:
    """Facts about each file, for the condition of `FileDataset.filter`.

    Args:
        stream: The column of the files, such as `dataset["Path"]`.

    Returns:
        What gives `Size`, `CreatedTime` and `ModifiedTime` by name.

    Example:
        >>> (get_stream_properties("Path")["Size"] > 0).node
        {'op': 'gt', 'of': [{'fact': 'Size'}, {'value': 0}]}
    """
    return _Facts()
