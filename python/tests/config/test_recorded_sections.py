"""Sections that are recorded for other compute: Databricks, and what serves a model."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from azureml.core import Environment
from azureml.core.databricks import DatabricksCluster, MavenLibrary, PyPiLibrary
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import UserErrorException, WebserviceException


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"num_workers": 1, "min_workers": 1, "max_workers": 2},
        {"num_workers": 1, "permit_cluster_restart": True},
        {"num_workers": 1, "node_type": "a", "instance_pool_id": "b"},
        {"existing_cluster_id": "c", "num_workers": 1},
    ],
)
def test_a_cluster_that_contradicts_itself_is_refused(sizes: Dict[str, Any]) -> None:
    with pytest.raises(UserErrorException):
        DatabricksCluster(**sizes).validate()


@pytest.mark.parametrize(
    "sizes",
    [{"num_workers": 1}, {"min_workers": 1, "max_workers": 2}, {"existing_cluster_id": "c"}],
)
def test_a_cluster_with_one_size_is_taken(sizes: Dict[str, Any]) -> None:
    DatabricksCluster(**sizes).validate()


def test_libraries_and_cluster_are_kept_with_the_environment() -> None:
    made = Environment("e")
    made.databricks.pypi_libraries = [PyPiLibrary("pandas")]
    made.databricks.maven_libraries = [MavenLibrary("a:b:1", exclusions=["c"])]
    made.databricks.cluster = DatabricksCluster(num_workers=2)
    again = Environment._from_dict(made._to_dict()).databricks
    assert again.pypi_libraries[0].package == "pandas"
    assert again.maven_libraries[0].exclusions == ["c"]
    assert again.cluster is not None and again.cluster.num_workers == 2
    with pytest.raises(UserErrorException, match="pass a DatabricksCluster"):
        again.cluster = "c"  # type: ignore[assignment]


def test_resources_are_read_as_they_were_written() -> None:
    made = ResourceConfiguration(1, 0.5)
    again = ResourceConfiguration.deserialize(made.serialize())
    assert again is not None and again.serialize() == made.serialize()
    with pytest.raises(WebserviceException, match="needs memoryInGB, gpu"):
        ResourceConfiguration.deserialize({"cpu": 1})
