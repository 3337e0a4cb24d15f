"""Run configurations and script run configurations: what they hold and how they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from azureml._not_yet import NotSupportedYet
from azureml.core import Environment, RunConfiguration, ScriptRunConfig
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import (
    DataReferenceConfiguration,
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from azureml.core.script_run_config import get_run_config_from_script_run
from azureml.exceptions import RunConfigurationException, UserErrorException


def configured() -> RunConfiguration:
    packages = CondaDependencies.create(pip_packages=["joblib"])
    made = RunConfiguration("train.py", ["--x", 1], conda_dependencies=packages)
    made.target = "cluster"
    made.environment_variables = {"MODE": "quick"}
    made.docker = DockerConfiguration(use_docker=True)
    made.data_references = {"raw": DataReferenceConfiguration("store", "download", "raw/")}
    made.amlcompute.vm_size = "SMALL"
    return made


@pytest.mark.parametrize("separate", [False, True])
def test_a_configuration_is_read_as_it_was_written(separate: bool, tmp_path: Path) -> None:
    made = configured()
    made.save(str(tmp_path), "quick", separate_environment_yaml=separate)
    file = tmp_path / ".azureml" / "quick.runconfig"
    assert (tmp_path / ".azureml" / "environment.yml").exists() == separate
    for loaded in (RunConfiguration.load(str(tmp_path), "quick"), RunConfiguration.load(str(file))):
        assert loaded._to_dict() == made._to_dict()
        assert loaded.data_references["raw"].path_on_data_store == "raw/"
        assert loaded.environment_variables == {"MODE": "quick"}
    RunConfiguration.delete(str(tmp_path), "quick")
    with pytest.raises(UserErrorException, match="there is no run configuration at"):
        RunConfiguration.load(str(tmp_path), "quick")


def test_a_file_of_v1_is_understood(tmp_path: Path) -> None:
    (tmp_path / "old.runconfig").write_text(
        "script: train.py\ntarget: local\nframework: Python\nnodeCount: 1\namlcompute:\n"
        "environment:\n  python:\n    userManagedDependencies: true\n    interpreterPath: /py\n"
        "  docker:\n    enabled: true\n    baseImage: image\nunknownThing: 1\n"
    )
    loaded = RunConfiguration.load(str(tmp_path / "old.runconfig"))
    assert loaded.environment.python.user_managed_dependencies
    assert loaded.environment.python.interpreter_path == "/py"
    assert (loaded.environment.docker.enabled, loaded.environment.docker.base_image) == (
        True,
        "image",
    )
    assert loaded.amlcompute.vm_size is None


def test_the_packages_of_a_file_of_v1_are_found_from_the_project_folder(tmp_path: Path) -> None:
    folder = tmp_path / "aml_config"
    folder.mkdir()
    (folder / "conda_dependencies.yml").write_text("dependencies: [numpy]")
    (folder / "old.runconfig").write_text(
        "environment: {python: {condaDependenciesFile: aml_config/conda_dependencies.yml}}"
    )
    loaded = RunConfiguration.load(str(tmp_path), "old")
    assert list(loaded.environment.python._packages().conda_packages) == ["numpy"]


def test_a_configuration_needs_a_name_to_be_saved_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserErrorException, match="needs a name"):
        configured().save(str(tmp_path))


def test_a_target_is_set_by_its_name_or_by_itself() -> None:
    class Target:
        name = "cluster"

    made = RunConfiguration()
    assert made.target == "local"
    made.target = Target()
    assert made.target == "cluster"
    made.target = "other"
    assert made.target == "other"


def test_a_misspelt_setting_is_refused() -> None:
    with pytest.raises(AttributeError, match="RunConfiguration has no attribute `targt`"):
        RunConfiguration().targt = "cluster"


def test_modes_and_backends_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UserErrorException, match="mode is one of"):
        DataReferenceConfiguration("store", "copy")
    with pytest.raises(RunConfigurationException, match="Nccl"):
        PyTorchConfiguration("smoke")


def test_a_script_run_says_more_than_its_run_configuration_without_changing_it() -> None:
    shared = RunConfiguration()
    environment = Environment("mine")
    made = ScriptRunConfig(
        "src",
        "train.py",
        ["--x", 1],
        run_config=shared,
        compute_target="cluster",
        environment=environment,
        max_run_duration_seconds=60,
    )
    assert (shared.target, shared.max_run_duration_seconds) == ("local", None)
    assert (made.run_config.target, made.run_config.max_run_duration_seconds) == ("cluster", 60)
    assert made.run_config.environment is environment
    assert get_run_config_from_script_run(made).arguments == ["--x", 1]
    assert ScriptRunConfig("src", "train.py", run_config=shared).run_config is shared


@pytest.mark.parametrize(
    ("job", "communicator", "nodes"),
    [
        (MpiConfiguration(2, 3), "IntelMpi", 3),
        (PyTorchConfiguration(node_count=2), "nccl", 2),
        (TensorflowConfiguration(), "ParameterServer", 1),
    ],
)
def test_a_distributed_job_is_written_into_the_run_configuration(
    job: Any, communicator: str, nodes: int
) -> None:
    made = ScriptRunConfig("src", "train.py", distributed_job_config=job).run_config
    assert (made.communicator, made.node_count) == (communicator, nodes)


def test_a_script_run_refuses_what_it_cannot_do() -> None:
    with pytest.raises(RunConfigurationException, match="distributed_job_config is a str"):
        ScriptRunConfig("src", "train.py", distributed_job_config="mpi")
    with pytest.raises(NotSupportedYet, match="resume_from"):
        ScriptRunConfig("src", "train.py", resume_from=object())


def test_how_a_script_starts_is_kept_among_the_environment_variables(tmp_path: Path) -> None:
    config = RunConfiguration()
    config.environment_variables = {"RATE": "1"}
    assert config.allow_warm and config.warm_imports == []
    config.allow_warm = False
    config.warm_imports = ["torch", "own.part"]
    expected = {
        "RATE": "1",
        "STEPWELL_WARM": "off",
        "STEPWELL_WARM_IMPORTS": "torch,own.part",
    }
    assert config.environment_variables == expected
    config.save(str(tmp_path / "run.runconfig"))
    again = RunConfiguration.load(str(tmp_path / "run.runconfig"))
    assert not again.allow_warm and again.warm_imports == ["torch", "own.part"]
    again.allow_warm, again.warm_imports = True, []
    assert again.environment_variables == {"RATE": "1"}
    with pytest.raises(ValueError, match="list of modules"):
        config.warm_imports = "torch"
