"""Names of AutoML's runtime package; the search itself is in `azureml.train.automl`."""

from azureml._lazy import Getattr as _Getattr
from azureml._lazy import exports as _exports

__all__ = ["AutoMLStep", "AutoMLStepRun"]

# Steps are loaded when they are asked for: they need the pipeline packages.
__getattr__: _Getattr = _exports(
    globals(),
    dict.fromkeys(("AutoMLStep", "AutoMLStepRun"), "azureml.pipeline.steps.automl_step"),
)
