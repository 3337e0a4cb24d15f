"""What scripts and commands find when they start, and what becomes of what they leave."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import programs
import pytest

from azureml.core import Experiment, Model, RunConfiguration, ScriptRunConfig, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import CommandStep, PythonScriptStep


def _log(run: Any, project: Path) -> str:
    run.wait_for_completion()
    target = project / "log.txt"
    run.download_file("user_logs/std_log.txt", str(target))
    return target.read_text()


def _command(project: Path, command: Any) -> Any:
    programs.write(project, "train.py", "import os\nprint('ran', os.environ.get('MODE'))\n")
    config = ScriptRunConfig(str(project / "src"), command=command)
    return Experiment(Workspace.from_config(), project.name).submit(config)


@pytest.mark.parametrize(
    "command",
    [
        "export MODE=full && python train.py",
        "export MODE=full && python train.py".split(),
        "MODE=full python train.py",
        "set -e\nexport MODE=full\npython train.py\n",
        "MODE=full python train.py > outputs/log.txt && cat outputs/log.txt",
    ],
)
def test_a_shell_runs_a_command(project: Path, command: Any) -> None:
    assert _log(_command(project, command), project) == "ran full\n"


def test_a_step_finds_places_and_values_within_other_text(project: Path) -> None:
    workspace = Workspace.from_config()
    programs.write(project, "show.py", "import sys\nprint(*sys.argv[1:], sep='|')\n")
    config = RunConfiguration()
    config.environment.environment_variables["WHERE"] = "north"
    data = PipelineData("made", datastore=workspace.get_default_datastore())
    output = OutputFileDatasetConfig("out")
    rate = PipelineParameter("rate", 0.5)
    common = {"source_directory": str(project / "src"), "runconfig": config}
    script = PythonScriptStep(
        "show.py",
        arguments=[f"{data}/a.txt", "--out=" + output.arg_val, "$WHERE", f"r{rate}"],
        outputs=[data, output],
        **common,
    )
    with pytest.raises(ValueError, match="made"):
        CommandStep(["python show.py > ", data], name="command", **common)
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [script]))
    run.wait_for_completion(show_output=False)
    (step,) = run.get_children()
    place, out, where, value = step.get_stdout_log().strip().split("|")
    assert os.path.isabs(place) and place.endswith("/made/a.txt")
    assert out.startswith("--out=/") and (where, value) == ("north", "r0.5")


def test_a_command_writes_to_an_output(project: Path) -> None:
    workspace = Workspace.from_config()
    (project / "src").mkdir(exist_ok=True)
    data = PipelineData("out", datastore=workspace.get_default_datastore())
    step = CommandStep(
        name="c", command=["echo hello >", data], outputs=[data], source_directory="src"
    )
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [step]))
    run.wait_for_completion(show_output=False)
    (child,) = run.get_children()
    child.get_output_data("out").download(str(project / "got"))
    (found,) = [each for each in (project / "got").rglob("*") if each.is_file()]
    assert found.read_text() == "hello\n"


def test_links_in_outputs_are_kept_as_what_they_name(project: Path) -> None:
    run = programs.submit(
        project,
        """
        import os
        open('outputs/epoch9.ckpt', 'w').write('weights')
        os.symlink('epoch9.ckpt', 'outputs/last.ckpt')
        os.symlink('nowhere', 'outputs/gone')
        open(b'outputs/Mu\\xf1oz.csv', 'w').write('x')
        os.makedirs('mlruns')
        """,
    )
    log = _log(run, project)
    files = [each for each in run.get_file_names() if each.startswith("outputs/")]
    assert files == ["outputs/Mu%F1oz.csv", "outputs/epoch9.ckpt", "outputs/last.ckpt"]
    for word in ("outputs/gone", "Mu%F1oz.csv", "mlruns"):
        assert "stepwell: warning: " in log and word in log
    assert run.register_model("m", "outputs/last.ckpt").version == 1
    assert Model(Workspace.from_config(), "m").name == "m"


@pytest.mark.parametrize("ending", ["os._exit(0)", "os.execv('/bin/true', ['true'])"])
def test_what_was_logged_is_there_however_the_script_ends(project: Path, ending: str) -> None:
    run = programs.submit(project, "import os\nrun.log('loss', 0.5)\n" + ending)
    run.wait_for_completion()
    assert run.get_metrics() == {"loss": 0.5}


def test_a_name_that_begins_with_a_dash_is_no_option(project: Path) -> None:
    folder = project / "-src"
    folder.mkdir()
    (folder / "-a.py").write_text("print('ran')\n")
    config = ScriptRunConfig(str(folder), "-a.py")
    run = Experiment(Workspace.from_config(), project.name).submit(config)
    assert _log(run, project) == "ran\n"
