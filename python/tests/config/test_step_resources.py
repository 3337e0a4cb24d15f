"""What a run configuration asks of machines, as the server is sent it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from azureml.core import RunConfiguration, ScriptRunConfig
from azureml.core._step_resources import resources
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import UserErrorException


def asked(**settings: Any) -> Dict[str, Any]:
    """What a run configuration with these settings asks for."""
    run_config = RunConfiguration()
    for name, value in settings.items():
        setattr(run_config, name, value)
    return resources(run_config)


def test_nothing_is_asked_for_unless_a_program_does() -> None:
    assert resources(None) == {}
    assert asked() == {}
    assert asked(resources=ResourceConfiguration()) == {}
    assert resources(ScriptRunConfig(".", "train.py").run_config) == {}


def test_cores_memory_and_gpus_are_whole_numbers_and_none_too_few() -> None:
    needs = asked(resources=ResourceConfiguration(cpu=1.5, memory_in_gb=0.5, gpu=2))
    assert needs == {"resources": {"cores": 2, "memory_bytes": 500_000_000, "gpus": 2}}


def test_a_time_is_asked_for_if_it_is_the_programs_own() -> None:
    assert asked(max_run_duration_seconds=60) == {"resources": {"wall_time_s": 60}}
    limited = ScriptRunConfig(".", "train.py", max_run_duration_seconds=90)
    assert resources(limited.run_config) == {"resources": {"wall_time_s": 90}}


def test_what_makes_no_sense_is_refused_where_it_is_written() -> None:
    with pytest.raises(UserErrorException, match="cpu of the resources is -1"):
        asked(resources=ResourceConfiguration(cpu=-1))
    with pytest.raises(UserErrorException, match=r"pass a ResourceConfiguration\(cpu=4"):
        asked(resources={"cpu": 4})


def test_resources_are_kept_in_the_file_of_a_run_configuration(tmp_path: Path) -> None:
    file = str(tmp_path / "own.runconfig")
    RunConfiguration().save(file)
    assert "resources" not in Path(file).read_text()
    assert RunConfiguration.load(file).resources is None
    made = RunConfiguration()
    made.resources = ResourceConfiguration(cpu=4, memory_in_gb=16)
    made.save(file)
    assert resources(RunConfiguration.load(file)) == resources(made)
