"""Environments as the server takes them.

Invariant: what an environment asks for and this machine cannot give is either refused, or named
once on standard output when the step can do without it; it is never dropped in silence.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Set, Tuple

from azureml._not_yet import not_yet
from azureml.core._packages import package_name
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.conda_dependencies import CondaDependencies
    from azureml.core.environment import Environment
    from azureml.core.runconfig import RunConfiguration

Wire = Dict[str, Any]

_TOLD: Set[str] = set()
# Parts of a conda section that say how to install, not what.
_NO_PACKAGE = ("python", "pip")


def wire_environment(
    environment: Optional[Environment], run_config: Optional[RunConfiguration]
) -> Tuple[Wire, Dict[str, str]]:
    """The environment of a step, and the variables its script finds.

    Args:
        environment: The environment; that of `run_config` when `None`.
        run_config: How the script runs.

    Raises:
        NotSupportedYet: Something is asked for that no step can have yet.
        UserErrorException: The environment contradicts itself or names what is not there.
    """
    if run_config is not None:
        _check_way_of_running(run_config)
        environment = environment or run_config.environment
    if environment is None:
        return _interpreter(sys.executable), {}
    packages = environment.python._packages()
    _check_image(environment, run_config)
    return _python(environment, packages), _variables(environment, packages)


def _python(environment: Environment, packages: CondaDependencies) -> Wire:
    section = environment.python
    if section.user_managed_dependencies:
        return _interpreter(_found(section.interpreter_path))
    if _is_default(packages):
        return _interpreter(sys.executable)
    conda = [each for each in packages.conda_packages if package_name(each) not in _NO_PACKAGE]
    return {
        "kind": "python",
        "name": environment.name or "",
        "python_version": packages.get_python_version() if packages._python_asked else None,
        "base_python": sys.executable,
        "pip": list(packages.pip_packages),
        "conda": conda,
        "pip_options": [word for option in packages.pip_options for word in shlex.split(option)],
    }


def _is_default(packages: CondaDependencies) -> bool:
    """Whether a program left the packages as they were made."""
    from azureml.core.conda_dependencies import CondaDependencies

    content, default = packages.as_dict(), CondaDependencies().as_dict()
    return not packages._python_asked and content["dependencies"] == default["dependencies"]


def _interpreter(python: str) -> Wire:
    return {"kind": "interpreter", "python": python}


def _found(path: Optional[str]) -> str:
    """The interpreter of a user-managed environment; `python` is the submitting one.

    Raises:
        UserErrorException: There is no such program.
    """
    import shutil

    if not path or path == "python":
        return sys.executable
    found = shutil.which(os.path.expanduser(path))
    if found is None:
        raise UserErrorException(
            "interpreter_path names `{}`, which is no program on this machine; name one by its "
            "full path".format(path)
        )
    return os.path.abspath(found)


def _variables(environment: Environment, packages: CondaDependencies) -> Dict[str, str]:
    """Those of the conda file, and over them those of the environment."""
    of_file = packages.as_dict().get("variables") or {}
    both = {**of_file, **environment.environment_variables}
    return {name: str(value) for name, value in both.items()}


# What is asked for and cannot be had.


def _check_way_of_running(run_config: RunConfiguration) -> None:
    framework = (run_config.framework or "python").lower()
    if framework in ("pyspark", "r"):
        not_yet(
            "scripts of framework `{}` are not there yet; the script must be Python".format(
                run_config.framework
            )
        )
    if _processes(run_config) > 1:
        not_yet(
            "jobs of several processes are not there yet; start the script once and let it start "
            "its own processes"
        )


def _processes(run_config: RunConfiguration) -> int:
    """How many processes the communicator of a run configuration asks for."""
    communicator = (run_config.communicator or "none").lower()
    if communicator == "none":
        return 1
    if communicator == "parameterserver":
        parts = run_config.tensorflow
        return int(parts.worker_count or 1) + int(parts.parameter_server_count or 0) - 1
    if communicator in ("nccl", "gloo"):
        return int(run_config.pytorch.process_count or 1) * int(run_config.pytorch.node_count or 1)
    if communicator == "paralleltask":
        return 2
    return int(run_config.mpi.process_count_per_node or 1) * int(run_config.mpi.node_count or 1)


def _check_image(environment: Environment, run_config: Optional[RunConfiguration]) -> None:
    docker = environment.docker
    name = environment.name or "of the run configuration"
    custom = docker.base_image not in (None, *_own_images())
    if environment.r is not None:
        not_yet("environment `{}` has an R section; R is not there yet".format(name))
    if docker.base_dockerfile or docker.build_context:
        not_yet(
            "environment `{}` is built from a Dockerfile, which is not there yet; describe its "
            "packages with Environment.from_conda_specification".format(name)
        )
    if custom and environment.python.user_managed_dependencies:
        if environment.python.interpreter_path in (None, "python"):
            not_yet(
                "environment `{}` is the image {}, and steps do not run in images yet; describe "
                "its packages with Environment.from_conda_specification".format(
                    name, docker.base_image
                )
            )
    contained = docker.enabled or (run_config is not None and run_config.docker.use_docker)
    if custom or contained:
        _tell(
            "Environment {} asks for a container; steps on this machine run without one, with the "
            "packages it names.".format(name)
        )


def _own_images() -> List[str]:
    from azureml.core.environment import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE

    return [DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE]


def _tell(sentence: str) -> None:
    """Say something once in a process."""
    if sentence not in _TOLD:
        _TOLD.add(sentence)
        print(sentence)
