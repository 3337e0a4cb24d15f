"""`PyTorch`: an estimator whose environment has PyTorch."""

from __future__ import annotations

from typing import Any, ClassVar, List, Optional

from azureml.train.dnn._dnn_estimator import _DnnEstimator


class PyTorch(_DnnEstimator):
    """A script in an environment that has PyTorch."""

    FRAMEWORK_NAME: ClassVar[Optional[str]] = "PyTorch"
    DEFAULT_VERSION: ClassVar[Optional[str]] = "1.4"
    _SUPPORTED_FRAMEWORK_VERSIONS: ClassVar[List[str]] = [
        "1.0",
        "1.1",
        "1.2",
        "1.3",
        "1.4",
        "1.5",
        "1.6",
    ]
    _PACKAGE: ClassVar[Optional[str]] = "torch"
    _MODULE: ClassVar[Optional[str]] = "torch"
    _BESIDE: ClassVar[List[str]] = ["torchvision"]
    _BACKENDS: Any = ("mpi", "gloo", "nccl")
