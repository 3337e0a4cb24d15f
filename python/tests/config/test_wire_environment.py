"""An environment as it is sent to the server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import pytest

from azureml._not_yet import NotSupportedYet
from azureml.core import Environment, RunConfiguration
from azureml.core._wire_environment import wire_environment
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import RSection
from azureml.core.runconfig import DockerConfiguration
from azureml.exceptions import UserErrorException

SUBMITTING = {"kind": "interpreter", "python": sys.executable}


def built(**facts: Any) -> Dict[str, Any]:
    wire: Dict[str, Any] = {
        "kind": "python",
        "name": "e",
        "python_version": None,
        "base_python": sys.executable,
        "pip": ["azureml-defaults"],
        "conda": [],
        "pip_options": [],
    }
    return {**wire, **facts}


def environment(change: Callable[[Environment], Any]) -> Environment:
    made = Environment("e")
    change(made)
    return made


def packages(**given: Any) -> Environment:
    made = CondaDependencies.create(**given)
    return environment(lambda it: setattr(it.python, "conda_dependencies", made))


def of_text(text: str, folder: Path) -> Environment:
    (folder / "env.yml").write_text(text)
    return Environment.from_conda_specification("e", str(folder / "env.yml"))


def test_without_an_environment_the_submitting_interpreter_runs_the_script() -> None:
    assert wire_environment(None, None) == (SUBMITTING, {})
    assert wire_environment(None, RunConfiguration()) == (SUBMITTING, {})
    assert wire_environment(Environment("e"), None) == (SUBMITTING, {})


def test_what_a_program_creates_is_built_though_it_names_no_packages() -> None:
    wire, _ = wire_environment(packages(pip_packages=["azureml-defaults"]), None)
    assert wire == built(python_preferred="3.10.18")


def test_the_default_version_of_python_is_preferred_and_a_stated_one_asked_for() -> None:
    wire, _ = wire_environment(packages(pip_packages=["joblib"]), None)
    assert wire == built(pip=["azureml-defaults", "joblib"], python_preferred="3.10.18")
    wire, _ = wire_environment(packages(python_version="3.8"), None)
    assert wire == built(python_version="3.8")


def test_a_package_added_in_place_makes_the_environment_one_to_build() -> None:
    run_config = RunConfiguration()
    run_config.environment.python.conda_dependencies.add_conda_package("numpy")
    wire, _ = wire_environment(None, run_config)
    assert wire == built(name="", conda=["numpy"], python_preferred="3.10.18")


def test_relative_paths_among_the_packages_hold_from_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = packages(pip_packages=["./own.whl"])
    made.python.conda_dependencies.add_pip_package("-c limits.txt")
    wire, _ = wire_environment(made, None)
    assert wire["pip"][-1] == f"{tmp_path}/own.whl"
    assert wire["pip_options"] == ["-c", f"{tmp_path}/limits.txt"]


def test_a_conda_file_is_sent_in_its_parts(tmp_path: Path) -> None:
    made = of_text(
        "channels: [conda-forge]\nvariables: {A: 1, B: x}\n"
        "dependencies:\n- python=3.10.18\n- pip=23\n- conda-forge::scikit-learn=1.0\n"
        "- pip:\n  - --extra-index-url https://i\n  - joblib==1.1\n",
        tmp_path,
    )
    made.environment_variables = {"B": 2}
    wire, variables = wire_environment(made, None)
    assert wire == built(
        python_version="3.10.18",
        conda=["conda-forge::scikit-learn=1.0"],
        pip=["joblib==1.1"],
        pip_options=["--extra-index-url", "https://i"],
    )
    assert variables == {"A": "1", "B": "2"}


def test_what_is_kept_and_loaded_again_asks_for_the_same(tmp_path: Path) -> None:
    made = packages(pip_packages=["joblib"])
    made.save_to_directory(str(tmp_path))
    loaded = Environment.load_from_directory(str(tmp_path))
    assert wire_environment(loaded, None) == wire_environment(made, None)
    run_config = RunConfiguration()
    run_config.environment = made
    run_config.save(str(tmp_path), "c", separate_environment_yaml=True)
    again = RunConfiguration.load(str(tmp_path), "c")
    assert wire_environment(None, again) == wire_environment(made, None)


def test_a_conda_file_may_be_named_instead_of_read(tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text("dependencies: [numpy]")
    made = Environment("e")
    made.python.conda_dependencies_file = str(tmp_path / "env.yml")
    assert wire_environment(made, None)[0] == built(conda=["numpy"], pip=[])
    made.python.conda_dependencies_file = str(tmp_path / "missing.yml")
    with pytest.raises(UserErrorException, match="cannot be read"):
        wire_environment(made, None)


def user_managed(path: Optional[str]) -> Environment:
    made = Environment("e")
    made.python.user_managed_dependencies = True
    made.python.interpreter_path = path
    return made


def test_a_user_managed_environment_is_its_interpreter(tmp_path: Path) -> None:
    assert wire_environment(user_managed("python"), None)[0] == SUBMITTING
    assert wire_environment(user_managed(None), None)[0] == SUBMITTING
    assert wire_environment(user_managed("sh"), None)[0]["python"].endswith("/sh")
    assert wire_environment(user_managed(sys.executable), None)[0] == SUBMITTING
    with pytest.raises(UserErrorException, match="no program on this machine"):
        wire_environment(user_managed(str(tmp_path / "python")), None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: setattr(it, "r", RSection()), "R is not there yet"),
        (lambda it: setattr(it.docker, "base_dockerfile", "FROM x"), "from a Dockerfile"),
    ],
)
def test_environments_that_need_more_than_python_are_refused(
    change: Callable[[Environment], Any], said: str
) -> None:
    with pytest.raises(NotSupportedYet, match=said):
        wire_environment(environment(change), None)
    with pytest.raises(NotSupportedYet, match="do not run in images yet"):
        wire_environment(Environment.from_docker_image("e", "host/image"), None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: setattr(it, "framework", "PySpark"), "framework `PySpark`"),
    ],
)
def test_ways_of_running_that_are_not_there_are_refused(
    change: Callable[[RunConfiguration], Any], said: str
) -> None:
    run_config = RunConfiguration()
    change(run_config)
    with pytest.raises(NotSupportedYet, match=said):
        wire_environment(None, run_config)


def test_a_dockerfile_beside_packages_is_a_container_that_can_be_done_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = packages(pip_packages=["six"])
    made.name = "of a file"
    made.docker.base_dockerfile = "FROM x"
    assert wire_environment(made, None)[0]["pip"] == ["azureml-defaults", "six"]
    assert "Environment of a file asks for a container" in capsys.readouterr().out
    made.python.user_managed_dependencies = True
    with pytest.raises(NotSupportedYet, match="from a Dockerfile"):
        wire_environment(made, None)


def test_a_container_that_can_be_done_without_is_named_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_config = RunConfiguration()
    run_config.environment.name = "contained"
    run_config.docker = DockerConfiguration(use_docker=True)
    for _ in range(2):
        wire_environment(None, run_config)
    said = capsys.readouterr().out
    assert said.count("Environment contained asks for a container") == 1
