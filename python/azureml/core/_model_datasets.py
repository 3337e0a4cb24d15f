"""The datasets a model remembers, and what serving it would need: v1's objects and what is sent.

A model keeps the ids of datasets. They become datasets again when a program asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional

from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.resource_configuration import ResourceConfiguration
    from azureml.core.workspace import Workspace
    from stepwell import _wire


def saved_id(workspace: Workspace, dataset: Any) -> Optional[str]:
    """The id of a dataset, which is saved if it is not yet; `None` for none."""
    if dataset is None:
        return None
    if not hasattr(dataset, "_saved_id"):
        raise UserErrorException(f"a model remembers datasets, not a {type(dataset).__name__}")
    return str(dataset._saved_id(workspace))


def references(workspace: Workspace, datasets: Optional[Iterable[Any]]) -> List[Dict[str, Any]]:
    """What is sent for pairs of a word for the use of a dataset and the dataset."""
    made = []
    for pair in datasets or ():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise UserErrorException(
                f"datasets of a model are pairs such as ('training data', dataset), not {pair!r}"
            )
        made.append({"scenario": str(pair[0]), "dataset": saved_id(workspace, pair[1])})
    return made


def by_scenario(workspace: Workspace, record: _wire.Model) -> Dict[str, List[Any]]:
    """The datasets of a model by the word for their use."""
    found: Dict[str, List[Any]] = {}
    for each in record["datasets"]:
        found.setdefault(each["scenario"], []).append(dataset_of(workspace, each["dataset"]))
    return found


def dataset_of(workspace: Workspace, identifier: Optional[str]) -> Any:
    """The dataset with an id; `None` for none."""
    if identifier is None:
        return None
    from azureml.data.abstract_dataset import AbstractDataset

    return AbstractDataset.get_by_id(workspace, identifier)


def resources(configuration: Any) -> Optional[Dict[str, Any]]:
    """What is sent for a `ResourceConfiguration`."""
    if configuration is None:
        return None
    return {
        "cpu": configuration.cpu,
        "memory_in_gb": configuration.memory_in_gb,
        "gpu": configuration.gpu,
    }


def configuration(sent: Optional[_wire.ModelResources]) -> Optional[ResourceConfiguration]:
    """The `ResourceConfiguration` that was sent."""
    if sent is None:
        return None
    from azureml.core.resource_configuration import ResourceConfiguration

    return ResourceConfiguration(sent["cpu"], sent["memory_in_gb"], sent["gpu"])
