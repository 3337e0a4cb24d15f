"""Where environments come from, and where they are kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Callable

import pytest

from azureml._not_yet import NotSupportedYet
from azureml.core import Environment
from azureml.core._curated_environments import curated
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import DockerBuildContext
from azureml.exceptions import UserErrorException


def described() -> Environment:
    environment = Environment("training")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["joblib"])
    environment.environment_variables = {"MODE": "quick"}
    environment.docker.base_dockerfile = "FROM base\nRUN true\n"
    return environment


def pip(environment: Environment) -> Any:
    return list(environment.python.conda_dependencies.pip_packages)


def test_a_requirements_file_may_refer_to_others(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "# ours\n-r more/base.txt\npandas==1.5  # newest\nscikit-learn \\\n  >=1\n"
        "--extra-index-url http://i\n-e .\ngit+https://host/x#egg=x\n"
    )
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("numpy\n--requirement=../requirements.txt\n")
    made = Environment.from_pip_requirements("e", str(tmp_path / "requirements.txt"), "23.0")
    assert pip(made) == ["numpy", "pandas==1.5", "scikit-learn    >=1", "git+https://host/x#egg=x"]
    packages = made.python.conda_dependencies
    assert list(packages.pip_options) == ["--extra-index-url http://i", f"-e {tmp_path}"]
    assert "pip=23.0" in packages.conda_packages


def test_an_environment_of_conda_is_taken_over_package_by_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conda = tmp_path / "conda"
    conda.write_text(
        '#!/bin/sh\n[ "$5" = mine ] || { echo no such environment >&2; exit 1; }\n'
        "printf 'name: mine\\ndependencies: [numpy=1.2]\\nprefix: /opt/mine\\n'\n"
    )
    conda.chmod(conda.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    made = Environment.from_existing_conda_environment("e", "mine").python.conda_dependencies
    assert made.as_dict() == {"name": "mine", "channels": [], "dependencies": ["numpy=1.2"]}
    with pytest.raises(UserErrorException, match="no such environment"):
        Environment.from_existing_conda_environment("e", "other")


def test_images_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base\n")
    of_image = Environment.from_docker_image("e", "host/image:1")
    of_file = Environment.from_dockerfile("e", str(tmp_path / "Dockerfile"))
    context = DockerBuildContext.from_local_directory(None, str(tmp_path))
    of_folder = Environment.from_docker_build_context("e", context)
    assert of_image.docker.base_image == "host/image:1"
    assert of_image.python.user_managed_dependencies
    assert (of_file.docker.base_image, of_file.docker.base_dockerfile) == (None, "FROM base\n")
    assert of_folder.docker.build_context.location == str(tmp_path)


def test_a_clone_is_independent() -> None:
    first = described()
    second = first.clone("other")
    second.environment_variables["MODE"] = "slow"
    assert (first.name, second.name) == ("training", "other")
    assert first.environment_variables == {"MODE": "quick"}


def test_a_folder_holds_an_environment_as_it_was(tmp_path: Path) -> None:
    made = described()
    made.save_to_directory(str(tmp_path))
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "BaseDockerfile",
        "azureml_environment.json",
        "conda_dependencies.yml",
    ]
    assert str(Environment.load_from_directory(str(tmp_path))) == str(made)
    with pytest.raises(UserErrorException, match="overwrite=True"):
        made.save_to_directory(str(tmp_path))
    made.save_to_directory(str(tmp_path), overwrite=True)


def test_an_attribute_that_no_environment_has_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute `conda_dependancies`"):
        Environment("e").python.conda_dependancies = CondaDependencies()


@pytest.mark.parametrize(
    "call",
    [
        lambda it: it.build_local(None),
        lambda it: it.get_image_details(None),
        lambda it: Environment.label(None, "e", "1", ["x"]),
    ],
)
def test_what_is_not_there_yet_says_so(call: Callable[[Environment], Any]) -> None:
    with pytest.raises(NotSupportedYet):
        call(Environment("e"))


def test_a_workspace_keeps_versions_of_an_environment(project: Path) -> None:
    from azureml.core import Workspace

    workspace = Workspace.from_config()
    first = described().register(workspace)
    again = described().register(workspace)
    changed = described()
    changed.environment_variables = {"MODE": "slow"}
    second = changed.register(workspace)
    assert (first.version, again.version, second.version) == ("1", "1", "2")
    assert str(Environment.get(workspace, "training", "1")) == str(first)
    assert Environment.get(workspace, "training").environment_variables == {"MODE": "slow"}
    assert Environment.list(workspace)["training"].version == "2"
    assert workspace.environments["training"].version == "2"
    for name, version in (("nothing", None), ("training", "9"), ("training", "new")):
        with pytest.raises(UserErrorException, match="has no environment") as refusal:
            Environment.get(workspace, name, version)
        # Programs that then make the environment look for this.
        known = "Error retrieving the environment definition. Code: 404"
        assert known in refusal.value.args[0]
    with pytest.raises(UserErrorException, match="no packages are known"):
        Environment.get(workspace, "AzureML-Triton")


@pytest.mark.parametrize(
    ("name", "python", "among"),
    [
        ("AzureML-Minimal", "3.6.2", "azureml-defaults"),
        ("AzureML-Tutorial", "3.6.2", "scikit-learn"),
        ("AzureML-Scikit-learn-0.20.3", "3.6.2", "scikit-learn==0.20.*"),
        ("AzureML-sklearn-0.24-ubuntu18.04-py37-cpu", "3.7", "scikit-learn==0.24.*"),
        ("AzureML-XGBoost-0.90", "3.6.2", "xgboost==0.90.*"),
        ("AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu", "3.7", "lightgbm==3.2.*"),
        ("AzureML-PyTorch-1.6-GPU", "3.6.2", "torch==1.6.*"),
        ("AzureML-tensorflow-2.4-ubuntu18.04-py37-cuda11-gpu", "3.7", "tensorflow==2.4.*"),
        ("AzureML-minimal-ubuntu18.04-py310-cpu-inference", "3.10", "azureml-defaults"),
    ],
)
def test_the_name_of_a_curated_environment_says_what_it_had(
    name: str, python: str, among: str
) -> None:
    known = curated(name)
    assert known is not None and known.python == python and among in known.packages


@pytest.mark.parametrize(
    "name",
    ["AzureML-Triton", "AzureML-PySpark-MmlSpark-0.15", "AzureML-", "sklearn-1.0", "training"],
)
def test_a_name_that_says_too_little_is_no_curated_environment(name: str) -> None:
    assert curated(name) is None


def test_a_curated_environment_can_be_had_and_said_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from azureml.core import Workspace

    workspace = Workspace.from_config()
    for _ in range(2):
        found = Environment.get(workspace, "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu", version=28)
    packages = found.python.conda_dependencies
    assert packages.get_python_version() == "3.8"
    assert "scikit-learn==1.0.*" in list(packages.pip_packages)
    assert capsys.readouterr().out.count("is described by its name: Python 3.8") == 1
    all_of_it = workspace.environments
    assert "AzureML-Tutorial" in all_of_it and "AzureML-Triton" not in all_of_it
    assert all_of_it["AzureML-Tutorial"].name == "AzureML-Tutorial"
    assert all_of_it.get("AzureML-Triton") is None and "AzureML-Tutorial" not in list(all_of_it)
    with pytest.raises(KeyError, match="AzureML-Triton"):
        all_of_it["AzureML-Triton"]
    found.clone("own").register(workspace)
    assert Environment.get(workspace, "own").version == "1"
