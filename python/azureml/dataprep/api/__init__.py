"""Modules that programs import names from."""

from azureml._lazy import Getattr, exports

__getattr__: Getattr = exports(
    globals(), {}, ["engineapi", "errorhandlers", "expressions", "functions"]
)
