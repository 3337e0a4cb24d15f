"""The Azure ML SDK v1 names, built on Stepwell.

This package holds no code of the original SDK and needs none: it takes the original's place. An
environment that has both is refused at once, because their files would overwrite each other.
"""

from azureml import _guard
from azureml._lazy import Getattr as _Getattr
from azureml._lazy import exports as _exports

_guard.check()

# `import azureml.core` gave a program these too.
__getattr__: _Getattr = _exports(globals(), {}, ["core", "data", "exceptions", "history"])
