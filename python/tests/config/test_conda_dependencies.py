"""The packages of an environment, added, replaced, removed, written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import UserErrorException

Change = Callable[[CondaDependencies], Any]


def content(dependencies: CondaDependencies) -> str:
    conda = " ".join(dependencies.conda_packages)
    pip = " ".join([*dependencies.pip_options, *dependencies.pip_packages])
    return f"{conda} | {pip}"


def test_a_program_begins_with_what_v1_began_with() -> None:
    made = CondaDependencies()
    assert content(made) == "python=3.10.18 | azureml-defaults"
    assert list(made.conda_channels) == ["anaconda", "conda-forge"]
    assert made.get_python_version() == "3.10.18"


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (lambda it: it.add_pip_package("pandas==1.5"), "python=3.9 | numpy>1 pandas==1.5"),
        (lambda it: it.add_pip_package("NumPy<2"), "python=3.9 | NumPy<2"),
        (lambda it: it.add_pip_package("numpy[all]"), "python=3.9 | numpy[all]"),
        (lambda it: it.remove_pip_package("numpy==9"), "python=3.9 | "),
        (lambda it: it.add_conda_package("scipy=1"), "python=3.9 scipy=1 | numpy>1"),
        (lambda it: it.add_conda_package("python=3.8"), "python=3.8 | numpy>1"),
        (lambda it: it.remove_conda_package("python"), " | numpy>1"),
        (lambda it: it.set_python_version("3.11"), "python=3.11 | numpy>1"),
        (lambda it: it.set_pip_requirements(["a", "-f ."]), "python=3.9 | -f . a"),
        (lambda it: it.set_pip_index_url("http://i"), "python=3.9 | --index-url http://i numpy>1"),
        (
            lambda it: [it.set_pip_option("--index-url a"), it.set_pip_option("--index-url=b")],
            "python=3.9 | --index-url=b numpy>1",
        ),
        (lambda it: it.remove_pip_option("--pre"), "python=3.9 | numpy>1"),
        (
            lambda it: it.add_tensorflow_pip_package("gpu", "2.9"),
            "python=3.9 | numpy>1 tensorflow-gpu==2.9",
        ),
    ],
)
def test_a_change_replaces_what_it_is_about_and_leaves_the_rest(change: Change, after: str) -> None:
    made = CondaDependencies(
        _underlying_structure={"dependencies": ["python=3.9", {"pip": ["numpy>1"]}]}
    )
    change(made)
    assert content(made) == after


def test_create_adds_to_the_defaults() -> None:
    made = CondaDependencies.create(
        pip_indexurl="http://i",
        pip_packages=["azureml-defaults", "joblib"],
        conda_packages=["scikit-learn=1.0"],
        python_version="3.8.13",
    )
    assert content(made) == (
        "python=3.8.13 scikit-learn=1.0 | --index-url http://i azureml-defaults joblib"
    )
    assert list(CondaDependencies.create(conda_packages="xgboost").conda_packages)[1] == "xgboost"


def test_requirements_of_one_package_are_merged() -> None:
    merged = CondaDependencies.merge_requirements(
        ["numpy>=1.2", "numpy<2", "pandas[x]", "pandas", "--pre", "a @ file:///a", "numpy<2"]
    )
    assert merged == ["numpy>=1.2,<2", "pandas[x]", "pandas", "--pre", "a @ file:///a"]


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = CondaDependencies.create(pip_packages=["joblib"], conda_packages=["numpy"])
    relative = made.save_to_file(str(tmp_path), "sub/env.yml")
    assert relative == "sub/env.yml"
    assert CondaDependencies(str(tmp_path / relative)).as_dict() == made.as_dict()
    assert made.save(str(tmp_path)) == str(tmp_path / "conda_dependencies.yml")
    assert "name: project_environment" in made.serialize_to_string()


def test_paths_in_a_file_hold_wherever_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text(
        "dependencies:\n- pip:\n  - -r more.txt\n  - ./mine.whl\n  - -f https://wheels\n  - numpy\n"
    )
    made = CondaDependencies(str(tmp_path / "env.yml"))
    assert list(made.pip_options) == [f"-r {tmp_path}/more.txt", "-f https://wheels"]
    assert list(made.pip_packages) == [f"{tmp_path}/mine.whl", "numpy"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("packages: [a]", "no key `packages`"),
        ("dependencies: numpy", "`dependencies` of a conda environment is a list"),
        ("dependencies: [{conda: [a]}]", "neither a package nor a pip section"),
        ("- a", "is not a conda environment file"),
        ("a: [", "is not YAML"),
    ],
)
def test_what_is_no_conda_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text(text)
    with pytest.raises(UserErrorException, match=said):
        CondaDependencies(str(tmp_path / "env.yml"))


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.set_python_version("three"),
        lambda it: it.add_pip_package(""),
        lambda it: it.add_conda_package(None),
        lambda it: it.add_tensorflow_pip_package("tpu"),
        lambda it: CondaDependencies("missing.yml"),
    ],
)
def test_what_cannot_be_a_package_is_refused(change: Change) -> None:
    with pytest.raises(UserErrorException):
        change(CondaDependencies())
