"""The packages of a Python environment, in the form of conda's environment files.

`CondaDependencies` holds the file as it is and changes it; it resolves and installs nothing.
Packages of the `azureml` family stay in the list as a program wrote them and are left out when
the environment is built, since Stepwell takes their place.

Invariant: the version of Python that an object shows is the one that runs. A version that a program
sets, or reads from a file, is asked for; v1's default, which every new object shows, is taken if it
is installed, and the submitting interpreter otherwise.
"""

from __future__ import annotations

import copy
import os
import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Set

from azureml._not_yet import not_yet
from azureml.core import _conda_file
from azureml.core._conda_file import CHANNELS, PACKAGES, PIP
from azureml.core._packages import is_option, merged, option_name, package_name
from azureml.exceptions import UserErrorException

CONDA_FILE_NAME = "auto_conda_dependencies.yml"
PYTHON_PREFIX = "python"
VERSION_REGEX = re.compile(r"(\d+)\.(\d+)(\.(\d+))?([ab](\d+))?$")
PYTHON_DEFAULT_VERSION = "3.10.18"
CNTK_DEFAULT_VERSION = "2.7"
TENSORFLOW_DEFAULT_VERSION = "2.2.0"
PYTORCH_DEFAULT_VERSION = "1.6.0"
TORCHVISION_DEFAULT_VERSION = "0.7.0"
HOROVOD_DEFAULT_VERSION = "0.19.5"
CPU = "cpu"
GPU = "gpu"


class CondaDependencies:
    """Channels, conda packages, pip packages and pip options of an environment.

    Example:
        >>> packages = CondaDependencies.create(
        ...     conda_packages=["numpy"], pip_packages=["pandas"], python_version="3.11"
        ... )
        >>> packages.add_pip_package("scikit-learn==1.5.2")
        >>> list(packages.conda_packages)
        ['python=3.11', 'numpy']
        >>> list(packages.pip_packages)
        ['azureml-defaults', 'pandas', 'scikit-learn==1.5.2']
    """

    DEFAULT_NUMBER_OF_CONDA_PACKAGES = 0
    DEFAULT_NUMBER_OF_PIP_PACKAGES = 0

    def __init__(
        self,
        conda_dependencies_file_path: Optional[str] = None,
        _underlying_structure: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Read a conda environment file, or begin with the defaults.

        Args:
            conda_dependencies_file_path: The file.

        Raises:
            UserErrorException: The file is missing or is not a conda environment file.
        """
        self._named: Dict[str, Set[str]] = {}  # names that were ever in a section: see `_never_had`
        self._python_asked = True
        self._created = False  # by `create`: never taken for what a run configuration begins with
        if conda_dependencies_file_path:
            self._content = _conda_file.read(conda_dependencies_file_path)
        elif _underlying_structure:
            self._content = _conda_file.checked(_underlying_structure)
        else:
            self._content = _conda_file.defaults(PYTHON_DEFAULT_VERSION)
            self._python_asked = False

    @staticmethod
    def create(
        pip_indexurl: Optional[str] = None,
        pip_packages: Optional[Iterable[str]] = None,
        conda_packages: Optional[Iterable[str]] = None,
        python_version: str = PYTHON_DEFAULT_VERSION,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """The defaults with packages added.

        Args:
            pip_indexurl: The index that pip takes packages from.
            pip_packages: Requirements in pip's words.
            conda_packages: Packages in conda's words.
            python_version: The version of Python, such as `3.11`.
            pin_sdk_version: Accepted; there is one version of the `azureml` names, Stepwell's.

        Returns:
            The packages.
        """
        dependencies = CondaDependencies()
        dependencies._created = True
        if python_version and python_version != PYTHON_DEFAULT_VERSION:
            dependencies.set_python_version(python_version)
        if pip_indexurl:
            dependencies.set_pip_index_url(pip_indexurl)
        for package in _texts(conda_packages):
            dependencies.add_conda_package(package)
        for package in _texts(pip_packages):
            dependencies.add_pip_package(package)
        return dependencies

    @staticmethod
    def merge_requirements(requirements: Iterable[str]) -> List[str]:
        """One requirement for each package: the version bounds of all that name it, joined.

        Args:
            requirements: Requirements in pip's words.

        Returns:
            The joined ones.
        """
        return merged(requirements)

    @staticmethod
    def sdk_origin_url() -> str:
        """The index the SDK came from in v1; it comes with Stepwell, so there is none.

        Returns:
            An empty text.
        """
        return ""

    def get_default_number_of_packages(self) -> int:
        """How many packages an environment has that a program did not ask for: none.

        Returns:
            0.
        """
        return self.DEFAULT_NUMBER_OF_CONDA_PACKAGES + self.DEFAULT_NUMBER_OF_PIP_PACKAGES

    # What is in it.

    @property
    def conda_channels(self) -> Iterator[str]:
        """The channels, best first."""
        return iter(list(self._content[CHANNELS]))

    @property
    def conda_packages(self) -> Iterator[str]:
        """The conda packages, `python` among them."""
        return iter(self._conda())

    @property
    def pip_packages(self) -> Iterator[str]:
        """The requirements of the pip section, without options."""
        return iter([line for line in self._pip() if not is_option(line)])

    @property
    def pip_options(self) -> Iterator[str]:
        """The options of the pip section, one line each."""
        return iter([line for line in self._pip() if is_option(line)])

    def _conda(self) -> List[str]:
        return [entry for entry in self._content[PACKAGES] if isinstance(entry, str)]

    def _pip(self, create: bool = False) -> List[str]:
        """The pip section itself, so that changes to it stay."""
        # It is the last entry, unless a file has it elsewhere.
        for entry in reversed(self._content[PACKAGES]):
            if isinstance(entry, dict):
                section: List[str] = entry[PIP]
                return section
        section = []
        if create:
            self._content[PACKAGES].append({PIP: section})
        return section

    # Python.

    def get_python_version(self) -> Optional[str]:
        """The version of Python that is shown, such as `3.10.18`; `None` when there is none.

        Returns:
            The version.
        """
        for package in self._conda():
            if package_name(package) == PYTHON_PREFIX:
                return package[len(PYTHON_PREFIX) :].strip().lstrip("=").strip() or None
        return None

    def set_python_version(self, version: str) -> None:
        """Ask for a version of Python, such as `3.11` or `3.11.4`.

        Args:
            version: The version.

        Raises:
            UserErrorException: It is none.
        """
        if not VERSION_REGEX.match(str(version)):
            raise UserErrorException(
                f"`{version}` is not a version of Python; write one such as `3.11`"
            )
        self._python_asked = True
        self._replace_conda(f"{PYTHON_PREFIX}={version}")

    def _replace_conda(self, package: str) -> None:
        """Put a conda package in the place of the one of its name, or before the pip section."""
        entries = self._content[PACKAGES]
        name = package_name(package)
        if not self._never_had(PACKAGES, name):
            for place, entry in enumerate(entries):
                if isinstance(entry, str) and package_name(entry) == name:
                    entries[place] = package
                    return
        has_pip_last = bool(entries) and isinstance(entries[-1], dict)
        entries.insert(len(entries) - has_pip_last, package)
        self._named[PACKAGES].add(name)

    def _never_had(self, section: str, name: str) -> bool:
        """Whether no package of the name was ever in a section: then there is nothing to look for.

        So many packages are added in a time that grows with their number, and not with its square.
        """
        if section not in self._named:
            lines = self._pip() if section == PIP else self._conda()
            self._named[section] = {package_name(line) for line in lines}
        return name not in self._named[section]

    # Changes.

    def add_channel(self, channel: str) -> None:
        """Add a conda channel, unless it is there.

        Args:
            channel: Its name or address.
        """
        if channel not in self._content[CHANNELS]:
            self._content[CHANNELS].append(channel)

    def remove_channel(self, channel: str) -> None:
        """Remove a conda channel, if it is there.

        Args:
            channel: Its name or address.
        """
        self._content[CHANNELS] = [each for each in self._content[CHANNELS] if each != channel]

    def add_conda_package(self, conda_package: str) -> None:
        """Add a conda package; it takes the place of another version of the same.

        Args:
            conda_package: The package in conda's words, such as `numpy=1.26`.
        """
        _check_text("conda package", conda_package)
        if package_name(conda_package) == PYTHON_PREFIX:
            self._python_asked = True
        self._replace_conda(conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove a conda package by its name, if it is there.

        Args:
            conda_package: The package; its version does not matter.
        """
        name = package_name(conda_package)
        self._content[PACKAGES] = [
            entry
            for entry in self._content[PACKAGES]
            if not isinstance(entry, str) or package_name(entry) != name
        ]

    def add_pip_package(self, pip_package: str) -> None:
        """Add a requirement; it takes the place of another version of the same.

        Args:
            pip_package: The requirement in pip's words, such as `pandas>=2`, or an option of pip.
        """
        _check_text("pip package", pip_package)
        if is_option(pip_package):
            self._pip(create=True).append(pip_package)
            return
        self.remove_pip_package(pip_package)
        self._pip(create=True).append(pip_package)
        self._named[PIP].add(package_name(pip_package))

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove a requirement by the name of its package, if it is there.

        Args:
            pip_package: The package; its version does not matter.
        """
        name = package_name(pip_package)
        if self._never_had(PIP, name):
            return
        section = self._pip()
        section[:] = [line for line in section if is_option(line) or package_name(line) != name]

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Make these lines, options among them, the whole pip section.

        Args:
            pip_requirements: The lines.
        """
        self._pip(create=True)[:] = [line for line in _texts(pip_requirements) if line.strip()]
        self._named.pop(PIP, None)

    def set_pip_index_url(self, index_url: str) -> None:
        """Name the index that pip takes packages from.

        Args:
            index_url: Its address.
        """
        self.set_pip_option(f"--index-url {index_url}")

    def set_pip_option(self, pip_option: str) -> None:
        """Add an option of pip; it takes the place of the same option with another value.

        Args:
            pip_option: The option with its value, such as `--extra-index-url https://example.org`.
        """
        self.remove_pip_option(pip_option)
        self._pip(create=True).insert(0, pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove an option of pip by its name, if it is there.

        Args:
            pip_option: The option; its value does not matter.
        """
        name = option_name(pip_option)
        section = self._pip()
        section[:] = [line for line in section if not is_option(line) or option_name(line) != name]

    def add_tensorflow_pip_package(
        self, core_type: str = CPU, version: Optional[str] = None
    ) -> None:
        """Add TensorFlow for CPUs or GPUs from pip.

        Args:
            core_type: `cpu` or `gpu`.
            version: Its version; 2.2.0 unless given.
        """
        package = _for_core("tensorflow", core_type)
        self.add_pip_package(f"{package}=={version or TENSORFLOW_DEFAULT_VERSION}")

    def add_tensorflow_conda_package(
        self, core_type: str = CPU, version: Optional[str] = None
    ) -> None:
        """Add TensorFlow for CPUs or GPUs from conda.

        Args:
            core_type: `cpu` or `gpu`.
            version: Its version; 2.2.0 unless given.
        """
        package = _for_core("tensorflow", core_type)
        self.add_conda_package(f"{package}={version or TENSORFLOW_DEFAULT_VERSION}")

    def add_cntk_package(self, core_type: str = CPU) -> None:
        """Refuse: CNTK has no packages for any Python that is still supported."""
        not_yet("CNTK is not available; it ended with version 2.7 for Python 3.6")

    # As text and files.

    def as_dict(self) -> Dict[str, Any]:
        """The content of the environment file.

        Returns:
            A copy, with the keys of conda's files.
        """
        return copy.deepcopy(self._content)

    _to_dict = as_dict

    @classmethod
    def _from_dict(cls, content: Mapping[str, Any]) -> CondaDependencies:
        return cls(_underlying_structure=content)

    def serialize_to_string(self) -> str:
        """The text of the environment file.

        Returns:
            YAML, as conda reads it.
        """
        return _conda_file.text(self._content)

    def save_to_file(self, base_directory: str, conda_file_path: Optional[str] = None) -> str:
        """Write the environment file below a folder and return its path in it.

        Args:
            base_directory: The folder.
            conda_file_path: The path in it; `auto_conda_dependencies.yml` when `None`.

        Returns:
            The path in the folder.
        """
        relative = conda_file_path or CONDA_FILE_NAME
        _conda_file.write(os.path.join(base_directory, relative), self.serialize_to_string())
        return os.path.normpath(relative)

    def save(self, path: Optional[str] = None) -> str:
        """Write the environment file to `path`, a file or a folder, and return where it is.

        Args:
            path: The file or folder; the working directory when `None`.

        Returns:
            The path of the file.
        """
        path = path or os.getcwd()
        if os.path.isdir(path):
            path = os.path.join(path, "conda_dependencies.yml")
        _conda_file.write(path, self.serialize_to_string())
        return path

    def __repr__(self) -> str:
        """The packages."""
        return f"CondaDependencies(conda={self._conda()!r}, pip={self._pip()!r})"


def _texts(values: Optional[Iterable[str]]) -> List[str]:
    """A list of texts; one text alone is taken as a list of one, not of its letters."""
    if values is None:
        return []
    return [values] if isinstance(values, str) else list(values)


def _check_text(kind: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise UserErrorException(f"{value!r} is not a {kind}; write its name")


def _for_core(package: str, core_type: str) -> str:
    if core_type not in (CPU, GPU):
        raise UserErrorException(f"the core type is `{CPU}` or `{GPU}`, not {core_type!r}")
    return package if core_type == CPU else package + "-gpu"
