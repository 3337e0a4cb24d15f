"""An environment that also has the original SDK is refused, and no other is."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, List

import pytest

PYTHON = Path(__file__).resolve().parents[2]


def run(code: str, *folders: Path) -> "subprocess.CompletedProcess[str]":
    path: List[str] = [str(PYTHON), *map(str, folders)]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "record",
    [
        "azureml_core-1.61.0.post4.dist-info",
        "azureml_pipeline_core-1.62.0-py3.8.egg-info",
        "azureml.core-1.40.dist-info",
    ],
)
def test_the_original_beside_stepwell_is_refused_with_the_way_to_mend_it(
    record: str, tmp_path: Path
) -> None:
    (tmp_path / record).mkdir()
    done = run("import azureml.exceptions", tmp_path)
    said = done.stderr.strip().splitlines()[-3:]
    name = "azureml-pipeline-core" if "pipeline" in record else "azureml-core"
    assert done.returncode == 1
    assert said[0].startswith(f"ImportError: {name} 1."), done.stderr
    assert str(tmp_path) in said[0]
    assert said[1].endswith(f"-m pip uninstall -y stepwell {name}")
    assert said[2].endswith("-m pip install --force-reinstall --no-deps stepwell")


def test_packages_that_only_add_to_the_original_are_left_alone(tmp_path: Path) -> None:
    for record in ("azureml_mlflow-1.60.dist-info", "azureml_core_notes.txt"):
        (tmp_path / record).mkdir()
    missing = tmp_path / "missing"
    assert run("import azureml.exceptions", tmp_path, missing).returncode == 0


def stand_ins() -> Any:
    loader = SourceFileLoader("stand_ins", str(PYTHON.parent / "scripts" / "stand-ins"))
    spec = spec_from_loader("stand_ins", loader)
    assert spec is not None
    made = module_from_spec(spec)
    loader.exec_module(made)
    return made


def test_the_records_that_stepwell_has_by_the_originals_names_are_those_of_the_script() -> None:
    folder = PYTHON.parent / "python-stand-ins" / "purelib"
    there = {str(each.relative_to(folder)): each for each in folder.rglob("*") if each.is_file()}
    assert {path: each.read_text() for path, each in there.items()} == stand_ins().files()
    names = {name.replace("-", "_") for name in stand_ins().NAMES}
    assert set(import_module("azureml._guard").ORIGINALS) < names


def test_installers_find_the_original_there_and_stepwell_runs(tmp_path: Path) -> None:
    for path, text in stand_ins().files().items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    code = "import azureml.core; from importlib.metadata import distribution as find\n"
    code += "core = find('azureml-core'); print(core.metadata['Name'], core.version, core.files)"
    done = run(code, tmp_path)
    assert done.stdout == "azureml-core 1.62.99+stepwell None\n", done.stderr
    asked = ["azureml-sdk[notebooks]", "azureml-core~=1.62.0", "azureml-dataprep>=5,<6"]
    pip = [sys.executable, "-m", "pip", "install", "--upgrade", "--no-index", "--dry-run", *asked]
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(pip, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Requirement already satisfied: azureml-") == len(asked)
    assert "Would install" not in done.stdout


def test_importing_azureml_core_loads_nothing_that_is_slow() -> None:
    code = "import sys; before = set(sys.modules); import azureml.core; from azureml.core import "
    code += "Environment, ScriptRunConfig, Workspace; print(*sorted(set(sys.modules) - before))"
    loaded = set(run(code).stdout.split())
    slow = {"yaml", "ssl", "http.client", "asyncio", "email", "inspect", "dataclasses", "pandas"}
    assert "azureml.core.environment" in loaded
    assert loaded & slow == set()


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("azureml.core.compute_target", ["ComputeTargetException"]),
        ("azureml.core.runconfig", ["CondaDependencies", "DEFAULT_GPU_IMAGE", "Environment"]),
        ("azureml.core.environment", ["CondaDependencies", "DEFAULT_CPU_IMAGE"]),
        ("azureml.core.image.container", ["ContainerImage", "ContainerImageConfig"]),
        ("azureml.core.webservice.aci", ["AciWebservice", "AciServiceDeploymentConfiguration"]),
        ("azureml.core.webservice.aks", ["AksWebservice", "AksServiceDeploymentConfiguration"]),
        ("azureml.core.webservice.local", ["LocalWebservice"]),
        ("azureml.core.webservice.webservice", ["Webservice"]),
        ("azureml.data.dataset_factory", ["DataType", "TabularDatasetFactory"]),
        ("azureml.core", ["VERSION", "__version__"]),
    ],
)
def test_names_are_there_where_programs_import_them_from(module: str, names: List[str]) -> None:
    assert [name for name in names if not hasattr(import_module(module), name)] == []


def test_modules_are_reached_as_attributes_of_their_package() -> None:
    code = (
        "import azureml.core, azureml.data\n"
        "azureml.core.runconfig.RunConfiguration()\n"
        "azureml.core.compute.AmlCompute\n"
        "azureml.data.datapath.DataPath\n"
        "print(azureml.core.VERSION)\n"
        "try:\n    azureml.core.nothing\n"
        "except AttributeError as error:\n    print(error)\n"
    )
    done = run(code)
    assert done.stdout.splitlines()[1] == "module 'azureml.core' has no attribute 'nothing'"


def test_a_step_on_a_python_without_importlib_metadata_is_told_a_version() -> None:
    code = (
        "import os, sys\n"
        "sys.modules['importlib.metadata'] = None\n"
        "os.path.exists = lambda path: False\n"
        "import azureml.dataprep, stepwell\n"
        "print(azureml.dataprep.__version__, stepwell.__version__)\n"
    )
    done = run(code)
    assert done.stdout.split() == ["1.61.0", "0.1.0"], done.stderr
