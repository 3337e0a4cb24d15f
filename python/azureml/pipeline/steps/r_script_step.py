"""`RScriptStep`: a step that runs an R script.

`Rscript` is that of the machine, or the one `rscript_path` of the environment names. Packages that
the environment names are installed into a library of the user's before the script starts, unless
they are there (`stepwell._rscript`).
"""

from __future__ import annotations

import copy
import os
import warnings
from typing import Any, List, Mapping, Optional

from azureml.pipeline.core._arguments import TextToken
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._python_script_step_base import (
    _PythonScriptStepBase,
    checked_run_config,
)


class RScriptStep(_PythonScriptStepBase):
    """A step that runs an R script."""

    def __init__(
        self,
        script_name: str,
        name: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        compute_target: Any = None,
        runconfig: Any = None,
        runconfig_pipeline_params: Optional[Mapping[str, PipelineParameter]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        source_directory: Optional[str] = None,
        use_gpu: bool = False,
        custom_docker_image: Optional[str] = None,
        cran_packages: Optional[List[Any]] = None,
        github_packages: Optional[List[Any]] = None,
        custom_url_packages: Optional[List[Any]] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
    ) -> None:
        """A step that runs `script_name`.

        Args:
            script_name: The script, relative to the source directory.
            name: The step's name; that of the script when `None`.
            arguments: Its arguments, which `commandArgs(trailingOnly = TRUE)` gives.
            compute_target: Where it runs: a name or an object.
            runconfig: A `RunConfiguration` whose environment has an R section.
            runconfig_pipeline_params: Settings of the run configuration that are parameters.
            inputs: What it reads.
            outputs: What it writes.
            params: Values the script finds in variables `AML_PARAMETER_<name>`.
            source_directory: The folder whose files the script finds around it.
            use_gpu: Deprecated in v1; has no effect.
            custom_docker_image: Deprecated in v1; steps run without containers.
            cran_packages: Deprecated in v1; name them in the R section.
            github_packages: Deprecated in v1, as `cran_packages` is.
            custom_url_packages: Deprecated in v1, as `cran_packages` is.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            version: The user's own mark of the step's version.

        Raises:
            ValueError: The environment has no R section.
        """
        section = runconfig.environment.r
        if section is None:
            raise ValueError(
                "the environment of an RScriptStep needs an R section; set "
                "runconfig.environment.r = RSection()"
            )
        deprecated = {
            "custom_docker_image": custom_docker_image,
            "cran_packages": cran_packages,
            "github_packages": github_packages,
            "custom_url_packages": custom_url_packages,
        }
        for argument, value in deprecated.items():
            if value:
                warnings.warn(
                    f"{argument} of an RScriptStep has no effect; describe it in the "
                    "environment of the "
                    "runconfig",
                    stacklevel=2,
                )
        self._section = section
        super().__init__(
            script_name=script_name,
            name=name,
            arguments=arguments,
            compute_target=compute_target,
            runconfig=checked_run_config(runconfig),
            runconfig_pipeline_params=runconfig_pipeline_params,
            inputs=inputs,
            outputs=outputs,
            params=params,
            source_directory=source_directory,
            allow_reuse=allow_reuse,
            version=version,
        )

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node."""
        node = super().create_node(graph, default_datastore, context)
        words = ["-m", "stepwell._rscript", *_options(self._section), "--", self._path()]
        node._work = node._work._replace(
            program={"command": "python"},
            arguments=[*(TextToken(word) for word in words), *node._work.arguments],
            run_config=_without_r(self._runconfig),
        )
        return node

    def _path(self) -> str:
        return os.path.normpath(str(self._script_name)).replace(os.sep, "/")


def _options(section: Any) -> List[str]:
    """The interpreter and the packages, as `stepwell._rscript` reads them."""
    options: List[str] = []
    if section.rscript_path:
        options += ["--rscript", section.rscript_path]
    if section.user_managed:
        return options
    for package in section.cran_packages or []:
        name = package if isinstance(package, str) else package.name
        wanted = getattr(package, "version", None)
        options += ["--cran", f"{name}={wanted}" if wanted else name]
        repository = getattr(package, "repository", None)
        if repository:
            options += ["--repository", repository]
    for package in section.github_packages or []:
        options += ["--github", package if isinstance(package, str) else package.repository]
    for address in section.custom_url_packages or []:
        options += ["--url", address]
    for name in section.bioconductor_packages or []:
        options += ["--bioconductor", name]
    return options


def _without_r(run_config: Any) -> Any:
    """The configuration with the Python part of its environment only."""
    made = copy.copy(run_config)
    made.environment = copy.copy(run_config.environment)
    made.environment.r = None
    made.framework = "Python"
    # An image with R in it is the machine's own R here.
    made.environment.python = copy.copy(run_config.environment.python)
    if made.environment.python.interpreter_path in (None, "python"):
        made.environment.docker = type(run_config.environment.docker)()
    return made
