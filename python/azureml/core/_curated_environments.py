"""Environments that Azure ML kept in every workspace, by name: which Python and packages one means.

A name says most of it: the framework, its version, and the Python (`AzureML-sklearn-1.0-…-py38`).
What is described is that, and not the contents of the service's images; names of which more than
packages is meant (Triton, Spark, DeepSpeed) have no description. Pure.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional

PREFIX = "AzureML-"

# The Python of the environments whose names do not say one.
_PYTHON = "3.6.2"
_SDK = ["azureml-defaults", "azureml-dataset-runtime[fuse,pandas]"]
_TABLES = ["numpy", "pandas", "scipy", "matplotlib"]
_TUTORIAL = ["azureml-sdk", "azureml-widgets", "azureml-opendatasets", "azureml-mlflow"]
_PYTHON_IN_NAME = re.compile(r"-py(3)(\d+)(-|$)")
_FRAMEWORK = re.compile(
    r"(?P<name>scikit-learn|sklearn|xgboost|lightgbm|pytorch|tensorflow)-?(?P<version>\d+(\.\d+)+)"
)


class Curated(NamedTuple):
    """What a name means."""

    python: str
    packages: List[str]


def curated(name: str) -> Optional[Curated]:
    """What the environment of that name had; `None` for one that cannot be described so."""
    if not name.startswith(PREFIX):
        return None
    rest = name[len(PREFIX) :].lower()
    in_name = _PYTHON_IN_NAME.search(rest)
    python = "{}.{}".format(*in_name.group(1, 2)) if in_name else _PYTHON
    packages = _packages(rest)
    return None if packages is None else Curated(python, packages)


def _packages(rest: str) -> Optional[List[str]]:
    if rest == "minimal" or re.match(r"minimal-.*-inference$", rest):
        return list(_SDK)
    if rest == "tutorial":
        return [*_SDK, *_TUTORIAL, *_TABLES, "scikit-learn", "sklearn-pandas", "tqdm"]
    found = _FRAMEWORK.match(rest)
    if found is None:
        return None
    version = ".".join(found.group("version").split(".")[:2])
    pinned = "{}=={}.*"
    made = [*_SDK, *_TABLES, "joblib"]
    framework = found.group("name")
    if framework in ("scikit-learn", "sklearn"):
        return [*made, pinned.format("scikit-learn", version)]
    if framework == "pytorch":
        return [*made, pinned.format("torch", version), "torchvision", "tensorboard"]
    return [*made, pinned.format(framework, version), "scikit-learn"]
