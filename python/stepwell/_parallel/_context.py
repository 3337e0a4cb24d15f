"""The second argument of a `run` that takes two."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, Optional, Tuple


class MiniBatchContext(object):
    """Which mini-batch it is."""

    def __init__(
        self,
        index: int,
        attempt: int,
        dataset_name: str,
        key: Optional[Iterable[Tuple[str, Any]]],
        make_dataset: Callable[[], Any],
    ) -> None:
        """The context of one call of `run`."""
        self.minibatch_index = str(index)
        """Its number within the job, from 0, as text."""
        self.attempt = attempt
        """Which try it is, from 1."""
        self.dataset_name = dataset_name
        """The input it comes from."""
        self.partition_key_value: Dict[str, Any] = dict(key or ())
        """The values of the partition keys by column, in the order asked for."""
        self._make_dataset = make_dataset
        self._dataset: Any = None

    @property
    def dataset(self) -> Any:
        """The mini-batch as a dataset of the kind of the input, made when it is first asked for."""
        if self._dataset is None:
            self._dataset = self._make_dataset()
        return self._dataset

    def __repr__(self) -> str:
        shown = {name: each for name, each in vars(self).items() if not name.startswith("_")}
        return f"MiniBatchContext({shown!r})"
