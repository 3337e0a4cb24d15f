"""Compute targets: where steps run.

A target that a program creates is registered with the server under its name, kind and size, so
that programs which look for it find it. Which machine it is, the server knows; an embedded server
has one, its own.
"""

from typing import TYPE_CHECKING

from azureml._lazy import Getattr as _Getattr
from azureml._lazy import exports as _exports

if TYPE_CHECKING:
    from azureml.core.compute.adla import AdlaCompute
    from azureml.core.compute.aks import AksCompute
    from azureml.core.compute.amlcompute import AmlCompute
    from azureml.core.compute.batch import BatchCompute
    from azureml.core.compute.compute import ComputeTarget
    from azureml.core.compute.computeinstance import ComputeInstance
    from azureml.core.compute.databricks import DatabricksCompute
    from azureml.core.compute.datafactory import DataFactoryCompute
    from azureml.core.compute.dsvm import DsvmCompute
    from azureml.core.compute.hdinsight import HDInsightCompute
    from azureml.core.compute.kubernetescompute import KubernetesCompute
    from azureml.core.compute.kusto import KustoCompute
    from azureml.core.compute.remote import RemoteCompute
    from azureml.core.compute.synapse import SynapseCompute

__all__ = [
    "AdlaCompute",
    "AksCompute",
    "AmlCompute",
    "BatchCompute",
    "ComputeInstance",
    "ComputeTarget",
    "DataFactoryCompute",
    "DatabricksCompute",
    "DsvmCompute",
    "HDInsightCompute",
    "KubernetesCompute",
    "KustoCompute",
    "RemoteCompute",
    "SynapseCompute",
]

__getattr__: _Getattr = _exports(
    globals(),
    {
        "AdlaCompute": "azureml.core.compute.adla",
        "AksCompute": "azureml.core.compute.aks",
        "AmlCompute": "azureml.core.compute.amlcompute",
        "BatchCompute": "azureml.core.compute.batch",
        "ComputeInstance": "azureml.core.compute.computeinstance",
        "ComputeTarget": "azureml.core.compute.compute",
        "DataFactoryCompute": "azureml.core.compute.datafactory",
        "DatabricksCompute": "azureml.core.compute.databricks",
        "DsvmCompute": "azureml.core.compute.dsvm",
        "HDInsightCompute": "azureml.core.compute.hdinsight",
        "KubernetesCompute": "azureml.core.compute.kubernetescompute",
        "KustoCompute": "azureml.core.compute.kusto",
        "RemoteCompute": "azureml.core.compute.remote",
        "SynapseCompute": "azureml.core.compute.synapse",
    },
)
