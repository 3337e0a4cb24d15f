"""Estimators: scripts with the environment that their keywords describe."""

from azureml.train._distributed_training import Gloo, Mpi, Nccl, ParameterServer
from azureml.train.estimator._estimator import Estimator
from azureml.train.estimator._framework_base_estimator import _FrameworkBaseEstimator
from azureml.train.estimator._mml_base_estimator import (
    MMLBaseEstimator,
    MMLBaseEstimatorRunConfig,
)

__all__ = [
    "Estimator",
    "Gloo",
    "_FrameworkBaseEstimator",
    "MMLBaseEstimator",
    "MMLBaseEstimatorRunConfig",
    "Mpi",
    "Nccl",
    "ParameterServer",
]
