"""Every public name of the modules a v1 program imports from is there."""

from __future__ import annotations

from importlib import import_module

import pytest
from recorded import named, signatures

MODULES = signatures()["modules"]
WITH_NAMES = sorted(name for name, module in MODULES.items() if module["__all__"])
PIPELINE = sorted(
    name
    for name in MODULES
    if name.startswith(("azureml.pipeline.core.", "azureml.pipeline.steps."))
)


@pytest.mark.parametrize("module", WITH_NAMES)
def test_every_name_in_all_imports(module: str) -> None:
    loaded = import_module(module)
    missing = [name for name in MODULES[module]["__all__"] if not hasattr(loaded, name)]
    assert missing == []
    assert sorted(MODULES[module]["__all__"]) == sorted(loaded.__all__)


@pytest.mark.parametrize("module", PIPELINE)
def test_every_module_of_pipelines_holds_the_names_it_held(module: str) -> None:
    loaded = import_module(module)
    missing = [name for name in MODULES[module]["exports"] if not hasattr(loaded, name)]
    assert missing == []


@pytest.mark.parametrize("package", ["azureml.pipeline.core", "azureml.pipeline.steps"])
def test_a_name_is_the_same_object_wherever_it_is_imported_from(package: str) -> None:
    for name, home in MODULES[package]["exports"].items():
        assert getattr(import_module(package), name) is named(home)
