"""Sizes of machines that v1 could be asked for.

Programs look the size of a cluster up among the supported ones, for its cores or its GPUs. Steps
run on this machine whatever the size is.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List

CPU_SIZE, GPU_SIZE = "STANDARD_DS2_V2", "STANDARD_NC6"

# Name, cores, GPUs, memory in GB, disk in MB.
_SIZES = (
    ("Standard_D1_v2", 1, 0, 3.5, 51200),
    ("Standard_D2_v2", 2, 0, 7.0, 102400),
    ("Standard_D3_v2", 4, 0, 14.0, 204800),
    ("Standard_D4_v2", 8, 0, 28.0, 409600),
    ("Standard_D11_v2", 2, 0, 14.0, 102400),
    ("Standard_D12_v2", 4, 0, 28.0, 204800),
    ("Standard_D13_v2", 8, 0, 56.0, 409600),
    ("Standard_D14_v2", 16, 0, 112.0, 819200),
    ("Standard_DS1_v2", 1, 0, 3.5, 7168),
    ("Standard_DS2_v2", 2, 0, 7.0, 14336),
    ("Standard_DS3_v2", 4, 0, 14.0, 28672),
    ("Standard_DS4_v2", 8, 0, 28.0, 57344),
    ("Standard_DS5_v2", 16, 0, 56.0, 114688),
    ("Standard_DS11_v2", 2, 0, 14.0, 28672),
    ("Standard_DS12_v2", 4, 0, 28.0, 57344),
    ("Standard_DS13_v2", 8, 0, 56.0, 114688),
    ("Standard_DS14_v2", 16, 0, 112.0, 229376),
    ("Standard_F2s_v2", 2, 0, 4.0, 16384),
    ("Standard_F4s_v2", 4, 0, 8.0, 32768),
    ("Standard_F8s_v2", 8, 0, 16.0, 65536),
    ("Standard_NC6", 6, 1, 56.0, 389120),
    ("Standard_NC12", 12, 2, 112.0, 696320),
    ("Standard_NC24", 24, 4, 224.0, 1474560),
    ("Standard_NC6s_v3", 6, 1, 112.0, 344064),
    ("Standard_NC12s_v3", 12, 2, 224.0, 688128),
    ("Standard_NC24s_v3", 24, 4, 448.0, 1376256),
    ("Standard_NV6", 6, 1, 56.0, 389120),
)


def supported() -> List[Dict[str, Any]]:
    """This machine as `local`, and the sizes that programs ask for most, in v1's words."""
    here = {"name": "local", "vCPUs": os.cpu_count(), "gpus": 0}
    names = ("name", "vCPUs", "gpus", "memoryGB", "maxResourceVolumeMB")
    return [here, *(dict(zip(names, each)) for each in _SIZES)]


def of_stand_in(name: str) -> Dict[str, Any]:
    """What v1's default cluster for CPUs, or for GPUs, is made of, by the name it has."""
    return {
        "vm_size": GPU_SIZE if "gpu" in name.lower() else CPU_SIZE,
        "vm_priority": "dedicated",
        "scale_settings": {"minimum_node_count": 0, "maximum_node_count": 2},
    }
