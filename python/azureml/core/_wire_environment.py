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
from azureml.core._packages import anchored, package_name
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.conda_dependencies import CondaDependencies
    from azureml.core.environment import Environment
    from azureml.core.runconfig import RunConfiguration

Wire = Dict[str, Any]

_SAID: Set[str] = set()
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
    _check_image(environment, packages, run_config)
    return _python(environment, packages), _variables(environment, packages)


def _python(environment: Environment, packages: CondaDependencies) -> Wire:
    section = environment.python
    if section.user_managed_dependencies:
        return _interpreter(_found(section.interpreter_path))
    if _is_default(packages):
        return _interpreter(sys.executable)
    conda = [each for each in packages.conda_packages if package_name(each) not in _NO_PACKAGE]
    # Paths hold from where the program runs; the server has another working directory.
    here = os.getcwd()
    options = [anchored(option, here) for option in packages.pip_options]
    stated = packages.get_python_version()
    made: Wire = {
        "kind": "python",
        "name": environment.name or "",
        "python_version": stated if packages._python_asked else None,
        "base_python": sys.executable,
        "pip": [anchored(line, here) for line in packages.pip_packages],
        "conda": conda,
        "pip_options": [word for option in options for word in shlex.split(option)],
    }
    if stated and not packages._python_asked:
        made["python_preferred"] = stated
    return made


def _is_default(packages: CondaDependencies) -> bool:
    """Whether a program left the packages as they were made."""
    from azureml.core.conda_dependencies import CondaDependencies

    if packages._created:
        return False
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
            f"interpreter_path names `{path}`, which is no program on this machine; name "
            "one by its "
            "full path"
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
            f"scripts of framework `{run_config.framework}` are not there yet; the script "
            "must be Python"
        )


def _check_image(
    environment: Environment, packages: CondaDependencies, run_config: Optional[RunConfiguration]
) -> None:
    docker = environment.docker
    name = environment.name or "of the run configuration"
    from_file = bool(docker.base_dockerfile or docker.build_context)
    custom = from_file or docker.base_image not in (None, *_own_images())
    if environment.r is not None:
        not_yet(f"environment `{name}` has an R section; R is not there yet")
    managed = environment.python.user_managed_dependencies
    if from_file and (managed or _is_default(packages)):
        not_yet(
            f"environment `{name}` is built from a Dockerfile, which is not there yet; "
            "describe its "
            "packages with Environment.from_conda_specification"
        )
    if custom and managed:
        if environment.python.interpreter_path in (None, "python"):
            not_yet(
                f"environment `{name}` is the image {docker.base_image}, and steps do not "
                "run in images yet; describe "
                "its packages with Environment.from_conda_specification"
            )
    contained = docker.enabled or (run_config is not None and run_config.docker.use_docker)
    if custom or contained:
        _say_once(
            f"Environment {name} asks for a container; steps on this machine run without "
            "one, with the "
            "packages it names."
        )


def _own_images() -> List[str]:
    from azureml.core.environment import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE

    return [DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE]


def _say_once(sentence: str) -> None:
    """Say something once in a process."""
    if sentence not in _SAID:
        _SAID.add(sentence)
        print(sentence)
