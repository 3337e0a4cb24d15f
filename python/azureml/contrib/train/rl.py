"""Reinforcement learning; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "ReinforcementLearningEstimator is not there; start Ray from the script of a PythonScriptStep"
)

_NAMES = (
    "Ray",
    "ReinforcementLearningEstimator",
    "ReinforcementLearningRun",
    "WorkerConfiguration",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
