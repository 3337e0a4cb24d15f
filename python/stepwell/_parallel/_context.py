"""The second argument of a `run` that takes two."""

from __future__ import annotations

from typing import Any, Dict, Optional


class MiniBatchContext(object):
    """Which mini-batch it is."""

    def __init__(
        self, index: int, attempt: int, dataset_name: str, key: Optional[Dict[str, Any]]
    ) -> None:
        """The context of one call of `run`."""
        self.minibatch_index = str(index)
        """Its number within the job, from 0, as text."""
        self.attempt = attempt
        """Which try it is, from 1."""
        self.dataset_name = dataset_name
        """The input it comes from."""
        self.partition_key_value: Dict[str, Any] = dict(key or {})
        """The values of the partition keys, by column."""

    def __repr__(self) -> str:
        return "MiniBatchContext({!r})".format(self.__dict__)
