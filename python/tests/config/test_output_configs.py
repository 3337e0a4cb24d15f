"""Outputs and the datasets that are made of them."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from azureml.data import LinkFileOutputDatasetConfig, OutputFileDatasetConfig
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.data.output_dataset_config import OutputTabularDatasetConfig
from azureml.exceptions import UserErrorException

CHANGES = [
    lambda it: it.as_mount(),
    lambda it: it.as_upload(overwrite=True),
    lambda it: it.register_on_complete("dataset", tags={"a": "b"}),
    lambda it: it.read_delimited_files(),
    lambda it: it.read_parquet_files().keep_columns("a").drop_columns(["b"]),
    lambda it: it.read_parquet_files().as_upload().random_split(0.8, seed=1)[1],
    lambda it: it.as_upload().as_input("in").dataset,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_a_copy_that_knows_the_step_of_the_original(
    change: Callable[[Any], Any],
) -> None:
    class Store:
        name = "blob"

    store = Store()
    first = OutputFileDatasetConfig("out", (store, "x/{run-id}"))
    second = change(first)
    first._set_producer("step")
    assert second is not first
    assert second._origin.producer_step == "step"
    assert second.destination[0] is store
    assert (first.mode, first._registration, first._transformations) == ("mount", None, [])


def test_each_output_has_an_origin_of_its_own() -> None:
    first, second = OutputFileDatasetConfig(), OutputFileDatasetConfig()
    first._set_producer("step")
    assert second._origin.producer_step is None
    assert first.name != second.name


def test_tables_are_split_under_two_names() -> None:
    table = OutputFileDatasetConfig("out").read_delimited_files()
    assert [each.name for each in table.random_split(0.5)] == ["out_1", "out_2"]
    assert table.as_input().mode == "direct"
    assert LinkFileOutputDatasetConfig("out").as_input().mode == "mount"


def test_a_consumption_is_changed_by_copies() -> None:
    first = DatasetConsumptionConfig("in", OutputFileDatasetConfig("out"), "MOUNT")
    second = first.as_download("/tmp/x")
    assert (first.mode, second.mode, second.path_on_compute) == ("mount", "download", "/tmp/x")
    assert str(second) == "DatasetConsumptionConfig:in"
    assert first.as_hdfs().mode == "hdfs"


@pytest.mark.parametrize(
    "make",
    [
        lambda: OutputFileDatasetConfig("1a"),
        lambda: OutputFileDatasetConfig("a-b"),
        lambda: OutputFileDatasetConfig("a", destination=("blob", "path")),
        lambda: OutputTabularDatasetConfig(),
        lambda: OutputFileDatasetConfig("a").read_parquet_files().random_split(80),
        lambda: DatasetConsumptionConfig("a b", OutputFileDatasetConfig("a")),
        lambda: OutputFileDatasetConfig("a").read_delimited_files().as_input("b").as_mount(),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(UserErrorException):
        make()


def test_a_dataset_needs_a_name_to_be_registered() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        OutputFileDatasetConfig("out").register_on_complete("")
