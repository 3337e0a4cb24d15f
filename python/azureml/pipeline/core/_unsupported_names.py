"""Names of graphs that are there before they work."""

from __future__ import annotations

from azureml._unsupported import Unsupported


class PipelineDataset(Unsupported):
    """v1's older name for a dataset as an input; not there yet."""

    sentence = (
        "PipelineDataset is not there yet; pass `datastore.path(...).as_mount()` as the input"
    )


class DataType(Unsupported):
    """A data type of the workspace; not there yet."""

    sentence = "data types of one's own are not there yet; use the name of one, such as AnyFile"
