"""Estimators: what becomes of their keywords, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from azureml.core import Environment
from azureml.core.compute import AmlCompute
from azureml.core.runconfig import MpiConfiguration
from azureml.exceptions import TrainingException, UserErrorException
from azureml.pipeline.core import PipelineParameter
from azureml.pipeline.steps import EstimatorStep, MpiStep
from azureml.train._estimator_settings import flattened
from azureml.train.dnn import Chainer, Gloo, Mpi, Nccl, ParameterServer, PyTorch, TensorFlow
from azureml.train.estimator import Estimator, MMLBaseEstimatorRunConfig
from azureml.train.sklearn import SKLearn


class Cluster(AmlCompute):
    """An AmlCompute object without a server."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return object.__new__(cls)

    def __init__(self) -> None:
        self.name = "cpu-cluster"


def estimator(**keywords: Any) -> Estimator:
    keywords.setdefault("compute_target", "local")
    return Estimator("src", entry_script="train.py", **keywords)


def test_script_params_become_arguments_in_their_order() -> None:
    given = {"--a": 1, "--f": "", "--n": None, "--l": [1, 2], "--t": True}
    assert flattened(given) == ["--a", 1, "--f", "--n", "--l", 1, 2, "--t", True]
    assert estimator(script_params=given).run_config.arguments == flattened(given)


def test_the_run_configuration_has_what_the_keywords_say() -> None:
    made = estimator(
        pip_packages=["xgboost"],
        conda_packages=["joblib"],
        environment_variables={"COLOUR": "red"},
        max_run_duration_seconds=60,
        shm_size="4g",
    )
    config = made.run_config
    assert (made.source_directory, config.script, config.target) == ("src", "train.py", "local")
    assert "xgboost" in list(made.conda_dependencies.pip_packages)
    assert "joblib" in list(made.conda_dependencies.conda_packages)
    assert config.environment.environment_variables == {
        "EXAMPLE_ENV_VAR": "EXAMPLE_VALUE",
        "COLOUR": "red",
    }
    assert (config.max_run_duration_seconds, config.docker.shm_size) == (60, "4g")


def test_packages_come_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# what it needs\nxgboost==1.0 # old\n\n")
    (tmp_path / "conda.yml").write_text("dependencies:\n  - joblib=1.4\n")
    by_pip = Estimator(
        str(tmp_path), compute_target="local", pip_requirements_file="requirements.txt"
    )
    assert "xgboost==1.0" in list(by_pip.conda_dependencies.pip_packages)
    by_conda = Estimator(
        str(tmp_path), compute_target="local", conda_dependencies_file_path="conda.yml"
    )
    assert list(by_conda.conda_dependencies.conda_packages) == ["joblib=1.4"]


WRONG: Dict[str, Dict[str, Any]] = {
    "no target": {"compute_target": None},
    "no node": {"node_count": 0},
    "no process": {"process_count_per_node": 0},
    "processes without a way": {"process_count_per_node": 2},
    "nodes on a name": {"node_count": 2, "distributed_training": Mpi()},
    "another framework's way": {"distributed_training": Gloo()},
    "an unknown way": {"distributed_backend": "smoke"},
    "environment and packages": {
        "environment_definition": Environment("e"),
        "pip_packages": ["pandas"],
    },
    "environment and image": {
        "environment_definition": Environment("e"),
        "custom_docker_image": "image",
    },
    "image without docker": {"custom_docker_image": "image", "use_docker": False},
    "conda file and packages": {"conda_dependencies_file": "c.yml", "pip_packages": ["pandas"]},
}


@pytest.mark.parametrize("keywords", WRONG.values(), ids=WRONG.keys())
def test_what_contradicts_itself_is_refused(keywords: Dict[str, Any]) -> None:
    with pytest.raises(TrainingException):
        estimator(**keywords)


@pytest.mark.parametrize(
    "keywords",
    [
        {"user_managed": True, "pip_packages": ["pandas"]},
        {"pip_requirements_file": "nowhere.txt"},
        {"inputs": ["data"]},
        {"resume_from": "somewhere"},
    ],
)
def test_values_that_cannot_be_are_the_users_error(keywords: Dict[str, Any]) -> None:
    with pytest.raises(UserErrorException):
        estimator(**keywords)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (Estimator, {"distributed_training": Mpi(1)}, ("Mpi", "Python")),
        (Estimator, {"distributed_backend": "mpi"}, ("IntelMpi", "Python")),
        (Estimator, {"distributed_training": MpiConfiguration()}, ("IntelMpi", "Python")),
        (PyTorch, {"distributed_training": Nccl()}, ("Nccl", "pytorch")),
        (PyTorch, {"distributed_backend": "gloo"}, ("gloo", "PyTorch")),
        (
            TensorFlow,
            {"distributed_training": ParameterServer()},
            ("ParameterServer", "TensorFlow"),
        ),
        (Chainer, {"distributed_training": Mpi()}, ("Mpi", "Python")),
    ],
)
def test_the_way_to_distribute_has_v1s_words(kind: Any, given: Any, expected: Any) -> None:
    config = kind("src", compute_target="local", entry_script="t.py", **given).run_config
    assert (config.communicator, config.framework) == expected


def test_a_framework_is_added_when_other_packages_are_asked_for() -> None:
    alone = SKLearn("src", compute_target="local", entry_script="t.py")
    with_more = SKLearn("src", compute_target="local", entry_script="t.py", pip_packages=["pandas"])
    # scikit-learn is installed where the tests run.
    assert "scikit-learn" not in list(alone.conda_dependencies.pip_packages)
    assert "scikit-learn" in list(with_more.conda_dependencies.pip_packages)


@pytest.mark.parametrize("kind", [SKLearn, PyTorch, TensorFlow, Chainer])
def test_a_version_brings_its_packages(kind: Any) -> None:
    for version in kind.get_supported_versions():
        made = kind("src", compute_target="local", entry_script="t.py", framework_version=version)
        packages = list(made.conda_dependencies.pip_packages)
        assert any(each.startswith(f"{kind._PACKAGE}=={version}") for each in packages)


def test_what_a_program_names_itself_wins_over_the_version() -> None:
    made = PyTorch(
        "src",
        compute_target="local",
        framework_version="1.4",
        pip_packages=["torchvision==0.5.0", "pandas"],
    )
    packages = list(made.conda_dependencies.pip_packages)
    assert [each for each in packages if each.startswith("torch")] == [
        "torchvision==0.5.0",
        "torch==1.4.0",
    ]
    own = SKLearn(
        "src", compute_target="l", framework_version="0.20.3", conda_packages=["scikit-learn=0.22"]
    )
    assert not any("scipy" in each for each in own.conda_dependencies.pip_packages)


def test_a_version_that_azure_ml_did_not_have_is_refused() -> None:
    assert "1.4" in PyTorch.get_supported_versions()
    with pytest.raises(TrainingException, match="0.20.3"):
        SKLearn("src", compute_target="local", framework_version="9.9")


def test_a_run_configuration_of_an_estimator_stands_alone() -> None:
    made = MMLBaseEstimatorRunConfig("local", entry_script="t.py", script_params={"--a": 1})
    assert (made.target, made.script, made.arguments) == ("local", "t.py", ["--a", 1])


def test_an_estimator_step_takes_the_estimators_environment() -> None:
    made = EstimatorStep(
        estimator=estimator(pip_packages=["xgboost"]),
        estimator_entry_script_arguments=["--rate", 0.1],
        compute_target="cpu-cluster",
    )
    assert made.name == "train.py"
    assert "xgboost" in list(made._runconfig.environment.python.conda_dependencies.pip_packages)


@pytest.mark.parametrize(
    "keywords",
    [
        {"estimator": None, "compute_target": "c", "estimator_entry_script_arguments": []},
        {"estimator": estimator(), "estimator_entry_script_arguments": []},
        {"estimator": estimator(), "compute_target": "c"},
        {
            "estimator": estimator(script_params={"--a": 1}),
            "compute_target": "c",
            "estimator_entry_script_arguments": [],
        },
    ],
)
def test_an_estimator_step_says_what_is_missing(keywords: Dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        EstimatorStep(**keywords)


def mpi_step(**keywords: Any) -> MpiStep:
    given = {
        "name": "m",
        "source_directory": "src",
        "script_name": "t.py",
        "arguments": [],
        "compute_target": Cluster(),
        "node_count": 1,
        "process_count_per_node": 1,
        **keywords,
    }
    return MpiStep(**given)


def test_an_mpi_step_describes_its_processes() -> None:
    made = mpi_step(
        process_count_per_node=PipelineParameter("processes", 2), pip_packages=["mpi4py"]
    )
    config = made._runconfig
    assert (config.communicator, config.mpi.process_count_per_node) == ("IntelMpi", 2)
    assert "mpi4py" in list(config.environment.python.conda_dependencies.pip_packages)


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"arguments": None}, ValueError),
        ({"node_count": None}, ValueError),
        ({"compute_target": "cpu-cluster"}, AttributeError),
        ({"node_count": 0}, TrainingException),
    ],
)
def test_an_mpi_step_refuses_what_it_cannot_be(keywords: Dict[str, Any], error: Any) -> None:
    with pytest.raises(error):
        mpi_step(**keywords)
