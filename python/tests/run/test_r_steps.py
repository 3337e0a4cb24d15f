"""R scripts as steps, run by the machine's own R."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import programs
import pytest

from azureml.core import Experiment, Workspace
from azureml.core.environment import RCranPackage, RSection
from azureml.core.runconfig import RunConfiguration
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import RScriptStep


def run_config(section: RSection) -> RunConfiguration:
    made = RunConfiguration()
    made.framework = "R"
    made.environment.r = section
    return made


def test_an_r_script_reads_its_arguments_and_writes_its_output(project: Path) -> None:
    programs.write(
        project,
        "sum.R",
        """
        given <- commandArgs(trailingOnly = TRUE)
        total <- sum(seq_len(as.integer(given[2])))
        writeLines(as.character(total), given[1])
        cat("the total is", total, "\\n")
        """,
    )
    workspace = Workspace.from_config()
    total = PipelineData("total")
    made = RScriptStep(
        "sum.R",
        arguments=[total, PipelineParameter("count", 4)],
        outputs=[total],
        runconfig=run_config(RSection()),
        source_directory=str(project / "src"),
        compute_target="aml-cluster",
    )
    run = Experiment(workspace, project.name).submit(
        Pipeline(workspace, [made]), pipeline_parameters={"count": 10}
    )
    assert run.wait_for_completion() == "Finished"
    (step,) = run.get_steps()
    assert "the total is 55" in step.get_stdout_log()
    step.get_output_data("total").download(str(project / "down"))
    (written,) = [path for path in (project / "down").rglob("*") if path.is_file()]
    assert written.read_text() == "55\n"


def test_an_environment_without_r_is_refused() -> None:
    with pytest.raises(ValueError, match="RSection"):
        RScriptStep("sum.R", runconfig=RunConfiguration(), source_directory=".")


def test_packages_of_the_environment_are_named_to_the_launcher() -> None:
    from azureml.pipeline.steps.r_script_step import _options

    section = RSection()
    package = RCranPackage()
    package.name, package.version = "jsonlite", "1.8"
    section.cran_packages, section.rscript_path = [package], "/opt/R/bin/Rscript"
    assert _options(section) == ["--rscript", "/opt/R/bin/Rscript", "--cran", "jsonlite=1.8"]
    section.user_managed = True
    assert _options(section) == ["--rscript", "/opt/R/bin/Rscript"]


def launch(*words: str, **surroundings: str) -> "subprocess.CompletedProcess[str]":
    import os

    return subprocess.run(
        [sys.executable, "-m", "stepwell._rscript", *words],
        env={**os.environ, "PYTHONPATH": programs.PACKAGES, **surroundings},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_machine_without_r_says_how_to_get_it() -> None:
    done = launch("--rscript", "no-such-rscript", "--", "a.R")
    assert done.returncode == 2
    assert "there is no `no-such-rscript`" in done.stderr and "r-base-core" in done.stderr


def test_a_package_that_is_there_is_not_installed(tmp_path: Path) -> None:
    script = tmp_path / "a.R"
    script.write_text('cat(commandArgs(trailingOnly = TRUE), "\\n")')
    done = launch("--cran", "stats", "--", str(script), "--a", "b", XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "--a b \n"), done.stderr


def test_a_package_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    done = launch(
        *("--cran", "no.such.package", "--repository", "file:///nowhere"),
        *("--", "a.R"),
        XDG_CACHE_HOME=str(tmp_path),
    )
    assert done.returncode == 2
    assert "`no.such.package` could not be installed" in done.stderr
