"""A notebook with all it needs to run."""

from __future__ import annotations

import copy
import json
import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

from azureml.contrib.notebook._handlers import AzureMLNotebookHandler, NotebookExecutionHandler
from azureml.core._packages import package_name
from azureml.core.runconfig import RunConfiguration
from azureml.core.script_run_config import ScriptRunConfig
from azureml.exceptions import UserErrorException

PROGRAM = {"command": "python"}
RUNNER = "stepwell._notebook_run"


class NotebookRunConfig(ScriptRunConfig):
    """A notebook with all it needs; `Experiment.submit` runs it, and `NotebookRunnerStep` too.

    papermill executes it with the Python of the environment, whatever kernel the notebook names.
    """

    def __init__(
        self,
        source_directory: str,
        notebook: str,
        output_notebook: Optional[str] = None,
        parameters: Optional[Mapping[str, Any]] = None,
        handler: Optional[NotebookExecutionHandler] = None,
        run_config: Optional[RunConfiguration] = None,
        _telemetry_values: Any = None,
    ) -> None:
        """Describe a run of a notebook.

        Args:
            source_directory: The folder whose files the notebook finds around it.
            notebook: The notebook, relative to that folder.
            output_notebook: Where the executed notebook is written, relative to the working
                directory; `outputs/NAME.output.ipynb` when `None`.
            parameters: Values by name, which replace those of the cell tagged `parameters`.
            handler: How it is executed.
            run_config: How it runs. A copy of it gets the packages that the handler needs, unless
                the user manages the packages.

        Raises:
            UserErrorException: There is no such notebook, or a value cannot be passed to one.
        """
        super().__init__(source_directory, run_config=copy.deepcopy(run_config))
        self.notebook = os.path.normpath(notebook).replace(os.sep, "/")
        self.output_notebook = output_notebook or _output_of(self.notebook)
        self.parameters = dict(parameters or {})
        self.handler = handler or AzureMLNotebookHandler()
        folder = os.path.abspath(source_directory)
        if not os.path.isfile(os.path.join(folder, self.notebook)):
            raise UserErrorException(
                f"there is no notebook `{notebook}`; source_directory is {folder}"
            )
        add_packages(self.run_config, self.handler.dependencies)
        self._words()

    def _own_program(self) -> Tuple[Dict[str, str], str, List[Any]]:
        """What is started, as the server takes it, its name for people, and its arguments."""
        return PROGRAM, self.notebook, self._words()

    def _words(
        self,
        places: Optional[Mapping[str, Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        output: Any = None,
    ) -> List[Any]:
        """The arguments of the program: texts, data, parameters.

        Args:
            places: Data by name, whose places the notebook finds.
            params: Values of a step by name, which come before those of the configuration.
            output: Where the executed notebook goes instead.
        """
        words: List[Any] = ["-m", RUNNER, "--notebook", self.notebook]
        words += ["--output", self.output_notebook if output is None else output]
        words += ["--settings", _json(self.handler._settings())]
        plain: Dict[str, Any] = {}
        others = dict(places or {})
        for name, value in {**self.parameters, **(params or {})}.items():
            is_object = type(value).__module__.startswith("azureml.")
            (others if is_object else plain)[name] = value
        for name, value in others.items():
            kind = "--literal" if _is_no_text(value) else "--text"
            # Of a step's own parameters, the step knows the value.
            known = name in (params or {})
            words += [kind, name, f"parameter:{name}" if known else value]
        return [*words, "--parameters", _json(plain)]


def add_packages(run_config: RunConfiguration, packages: List[str]) -> None:
    """Let the environment have packages, unless it names them or the user manages it."""
    section = getattr(run_config.environment, "python", None)
    if section is None or section.user_managed_dependencies:
        return
    known = section.conda_dependencies
    named = {package_name(each) for each in [*known.pip_packages, *known.conda_packages]}
    for package in packages:
        if package not in named:
            known.add_pip_package(package)


def _output_of(notebook: str) -> str:
    name = os.path.splitext(os.path.basename(notebook))[0]
    return f"outputs/{name}.output.ipynb"


def _is_no_text(value: Any) -> bool:
    """Whether the value of a pipeline parameter is a number or the like."""
    default = getattr(value, "default_value", "")
    return not isinstance(default, str)


def _json(value: Mapping[str, Any]) -> str:
    """Values as one argument; a `$` in them is no name of a variable.

    Raises:
        UserErrorException: A value is none that JSON has.
    """
    try:
        return json.dumps(value).replace("$", "\\u0024")
    except (TypeError, ValueError) as refused:
        raise UserErrorException(
            f"the parameters of a notebook are numbers, texts, lists and dictionaries: {refused}"
        ) from None
