"""The kinds of compute targets: the name each has on the server, and where its class lives."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Dict, Tuple, Type

if TYPE_CHECKING:
    from azureml.core.compute.compute import ComputeTarget

_PLACES: Dict[str, Tuple[str, str]] = {
    "AKS": ("aks", "AksCompute"),
    "AmlCompute": ("amlcompute", "AmlCompute"),
    "Batch": ("batch", "BatchCompute"),
    "ComputeInstance": ("computeinstance", "ComputeInstance"),
    "DataFactory": ("datafactory", "DataFactoryCompute"),
    "DataLakeAnalytics": ("adla", "AdlaCompute"),
    "Databricks": ("databricks", "DatabricksCompute"),
    "HDInsight": ("hdinsight", "HDInsightCompute"),
    "Kubernetes": ("kubernetescompute", "KubernetesCompute"),
    "Kusto": ("kusto", "KustoCompute"),
    "SynapseSpark": ("synapse", "SynapseCompute"),
    "VirtualMachine": ("remote", "RemoteCompute"),
}
# A target that another client made of a kind unknown here is used like a cluster.
_OTHER = "AmlCompute"


def class_of(kind: str) -> Type[ComputeTarget]:
    """The class of a kind of compute target."""
    module, name = _PLACES.get(kind, _PLACES[_OTHER])
    found: Type[ComputeTarget] = getattr(import_module("azureml.core.compute." + module), name)
    return found
