"""Files of YAML that others wrote end no program, however deep or long they are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from azureml.core import RunConfiguration
from azureml.core._yaml_text import NESTING_MAX, load
from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import Pipeline, Schedule

DEEP = "dependencies: " + "[" * 100_000 + "]" * 100_000 + "\n"


def run_configuration(path: str) -> Any:
    return RunConfiguration.load(path)


READERS = [
    CondaDependencies,
    run_configuration,
    lambda path: Pipeline.load_yaml(None, path),
    lambda path: Schedule.load_yaml(None, path),
]


@pytest.mark.parametrize("read", READERS, ids=["packages", "run", "pipeline", "schedule"])
def test_a_file_that_is_nested_too_deeply_is_refused_at_once(
    tmp_path: Path, read: Callable[[str], Any]
) -> None:
    file = tmp_path / "file.yml"
    file.write_text(DEEP)
    with pytest.raises(UserErrorException, match="nest(ed more than 100 deep|ing depth)"):
        read(str(file))


@pytest.mark.parametrize("text", [b"a: \xff", b"a: [", b"a: b: c", b"!!python/object:os.x {}"])
def test_a_file_that_is_no_yaml_is_named(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "conda.yml"
    file.write_bytes(text)
    with pytest.raises(UserErrorException, match="conda.yml is not YAML"):
        CondaDependencies(str(file))


def test_what_is_nested_as_people_nest_is_read() -> None:
    depth = NESTING_MAX
    assert load("[" * depth + "]" * depth) is not None
    with pytest.raises(yaml.YAMLError):
        load("[" * (depth + 1) + "]" * (depth + 1))


def seconds(count: int) -> float:
    """How long it takes to name so many packages; the best of three, as others are busy too."""
    names = [f"package-{number}==1.0" for number in range(count)]
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        made = CondaDependencies.create(pip_packages=names, conda_packages=names)
        best = min(best, time.process_time() - begin)
        assert len(list(made.pip_packages)) > count and len(list(made.conda_packages)) > count
    return best


def test_many_packages_take_a_time_that_grows_with_their_number() -> None:
    few, many = seconds(500), seconds(8000)
    assert many < 16 * 5 * few, (few, many)


def test_a_package_that_comes_again_takes_the_place_of_the_one_before() -> None:
    made = CondaDependencies.create(
        pip_packages=["six==1.0", "attrs", "--pre", "Six==2.0"],
        conda_packages=["numpy=1.0", "scipy", "numpy=1.1"],
        python_version="3.11",
    )
    assert list(made.pip_packages) == ["azureml-defaults", "attrs", "Six==2.0"]
    assert list(made.conda_packages) == ["python=3.11", "numpy=1.1", "scipy"]
    made.remove_pip_package("six")
    made.add_pip_package("six==3.0")
    made.set_pip_requirements(["attrs==1.0"])
    made.add_pip_package("attrs==2.0")
    assert list(made.pip_packages) == ["attrs==2.0"]
