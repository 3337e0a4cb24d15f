"""Modules on the real server: published, resolved, and run as steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import programs
import pytest

from azureml.core import Experiment, Workspace
from azureml.pipeline.core import (
    Module,
    ModuleVersion,
    Pipeline,
    PipelineData,
    PipelineParameter,
)
from azureml.pipeline.core._module_definition import resolved
from azureml.pipeline.core.graph import InputPortDef, OutputPortDef
from azureml.pipeline.steps import ModuleStep


def version(number: str, status: str = "active", changed: str = "1") -> Dict[str, Any]:
    return {"version": number, "status": status, "changed_at": changed}


@pytest.mark.parametrize(
    ("numbers", "default", "wanted", "chosen"),
    [
        (["1", "2"], None, "1", "1"),
        (["1", "2"], "1", None, "1"),
        (["1", "2"], "1", "no such", "1"),
        (["2", "10", "9"], None, None, "10"),
        (["1.2", "1.10"], None, None, "1.10"),
        (["2", "2.0"], None, None, "2.0"),
        (["b", "a"], None, None, "b"),
    ],
)
def test_a_step_gets_the_version_that_v1_gives(
    numbers: List[str], default: Optional[str], wanted: Optional[str], chosen: str
) -> None:
    changed = {"b": "2", "a": "1"}
    versions = [version(number, changed=changed.get(number, "1")) for number in numbers]
    assert resolved(versions, default, wanted)["version"] == chosen


def test_a_disabled_version_is_given_only_by_its_name() -> None:
    versions = [version("1"), version("2", "disabled")]
    assert resolved(versions, None, None)["version"] == "1"
    assert resolved(versions, None, "2")["version"] == "2"
    with pytest.raises(IndexError):
        resolved([version("1", "disabled")], None, None)


def add(project: Path, module: Module, factor: int, **options: Any) -> ModuleVersion:
    programs.write(
        project,
        "multiply.py",
        f"""
        import os, sys
        number = int(open(sys.argv[1]).read()) * {factor} + int(os.environ["AML_PARAMETER_offset"])
        open(sys.argv[2], "w").write(str(number))
        """,
    )
    number, product = InputPortDef("number"), OutputPortDef("product")
    return module.publish_python_script(
        "multiply.py",
        f"multiplies by {factor}",
        inputs=[number],
        outputs=[product],
        params={"offset": 0},
        arguments=[number, product],
        source_directory=str(project / "src"),
        **options,
    )


def test_a_module_keeps_versions_and_a_default(project: Path) -> None:
    workspace = Workspace.from_config()
    module = Module.create(workspace, project.name, "multiplies")
    first = add(project, module, 2)
    second = add(project, module, 3, version="2.5", category="numbers")
    assert (first.version, second.version, second.category) == ("1", "2.5", "numbers")
    assert [each.version for each in module.module_version_list()] == ["1", "2.5"]
    assert module.get_default() is None and module.resolve().version == "2.5"
    module.set_default_version("1")
    again = Module.get(workspace, name=project.name)
    assert (again.default_version, again.id, again.status) == ("1", module.id, "Active")
    assert again.resolve().module_version_id == first.module_version_id
    third = add(project, module, 4, is_default=True)
    assert (third.version, module.default_version) == ("2", "2")
    names = [each.name for each in third.interface.inputs]
    assert names == ["number"] and third.interface.params[0].default_value == 0
    third.deprecate()
    found = ModuleVersion.get(workspace, third.module_version_id)
    assert (found.status, found.module().name) == ("Deprecated", project.name)


def test_what_cannot_be_is_refused(project: Path) -> None:
    workspace = Workspace.from_config()
    module = Module.create(workspace, project.name, "")
    with pytest.raises(Exception, match="already a module"):
        Module.create(workspace, project.name, "")
    with pytest.raises(Exception, match="there is no module"):
        Module.get(workspace, name="never made")
    add(project, module, 2, version="1")
    with pytest.raises(Exception, match="already has a version `1`"):
        add(project, module, 2, version="1")
    with pytest.raises(Exception, match="has no version `7`"):
        module.set_default_version("7")
    with pytest.raises(TypeError):
        module.publish_python_script("a.py", "", [], [])
    with pytest.raises(ValueError, match="does not exist"):
        module.publish_python_script("a.py", "", [], [], source_directory=str(project))
    with pytest.raises(Exception, match="an argument of a module"):
        module.publish("", "escloud", [], [], arguments=[1])


def test_steps_are_made_of_versions(project: Path) -> None:
    workspace = Workspace.from_config()
    module = Module.create(workspace, project.name, "")
    add(project, module, 2)
    add(project, module, 3)
    (number, doubled, tripled) = (PipelineData(name) for name in ("a", "b", "c"))
    make = programs.step(
        project,
        "make",
        "import sys\nopen(sys.argv[1], 'w').write('7')",
        arguments=[number],
        outputs=[number],
    )
    double = ModuleStep(
        module,
        version="1",
        inputs_map={"number": number},
        outputs_map={"product": doubled},
        compute_target="aml-cluster",
    )
    triple = ModuleStep(
        module_version=module.resolve("2"),
        inputs_map={"number": doubled},
        outputs_map={"product": tripled},
        params={"offset": PipelineParameter("offset", 5)},
        compute_target="aml-cluster",
        name="triple",
    )
    check = programs.step(
        project,
        "check",
        "import sys\nassert open(sys.argv[1]).read() == '43', open(sys.argv[1]).read()",
        arguments=[tripled],
        inputs=[tripled],
    )
    pipeline = Pipeline(workspace, [check])
    run = Experiment(workspace, project.name).submit(pipeline, pipeline_parameters={"offset": 1})
    assert run.wait_for_completion() == "Finished"
    assert {step.name for step in run.get_steps()} == {"make", project.name, "triple", "check"}
    assert make.step_type == "PythonScriptStep" and double.step_type == "ModuleStep"
    assert triple.name == "triple"


def test_a_pipeline_parameter_among_the_arguments_is_the_value_of_the_modules_own(
    project: Path,
) -> None:
    workspace = Workspace.from_config()
    module = Module.create(workspace, project.name, "")
    programs.write(project, "show.py", "import sys\nprint(*sys.argv[1:])")
    version = module.publish_python_script(
        "show.py", "", [], [], params={"first": 12}, source_directory=str(project / "src")
    )
    step = ModuleStep(
        module_version=version,
        arguments=["--first", PipelineParameter("first", 17), "--second", "2"],
        compute_target="aml-cluster",
    )
    experiment, pipeline = Experiment(workspace, project.name), Pipeline(workspace, [step])
    for values, shown in (({}, "17"), ({"first": 5}, "5")):
        run = experiment.submit(pipeline, pipeline_parameters=values)
        run.wait_for_completion(show_output=False)
        (ran,) = run.get_steps()
        assert ran.get_stdout_log() == f"--first {shown} --second 2\n"


def test_a_port_that_is_missing_or_unknown_is_named(project: Path) -> None:
    workspace = Workspace.from_config()
    module = Module.create(workspace, project.name, "")
    add(project, module, 2)
    with pytest.raises(ValueError, match="misses `number`"):
        Pipeline(workspace, [ModuleStep(module, compute_target="c")]).validate()
    wrong = ModuleStep(module, inputs_map={"numbr": PipelineData("a")}, compute_target="c")
    with pytest.raises(ValueError, match="names `numbr`; the ports of the module are `number`"):
        Pipeline(workspace, [wrong]).validate()
