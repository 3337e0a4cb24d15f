"""`Chainer`: an estimator whose environment has Chainer."""

from __future__ import annotations

from typing import Any, ClassVar, List, Optional

from azureml.train.dnn._dnn_estimator import _DnnEstimator


class Chainer(_DnnEstimator):
    """A script in an environment that has Chainer."""

    FRAMEWORK_NAME: ClassVar[Optional[str]] = "Chainer"
    DEFAULT_VERSION: ClassVar[Optional[str]] = "5.1.0"
    _SUPPORTED_FRAMEWORK_VERSIONS: ClassVar[List[str]] = ["5.1.0", "7.0.0"]
    _PACKAGE: ClassVar[Optional[str]] = "chainer"
    _MODULE: ClassVar[Optional[str]] = "chainer"
    _BACKENDS: Any = ("mpi",)
