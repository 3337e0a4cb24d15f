"""Many models and hierarchies of series; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "pipelines of many models are not there; train one model for each partition in a "
    "ParallelRunStep with partition_keys"
)

_NAMES = (
    "AutoMLPipelineBuilder",
    "HTSTrainParameters",
    "ManyModelsTrainParameters",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
