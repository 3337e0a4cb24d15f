"""A step that works through data in mini-batches: `ParallelRunStep` without its public name.

Here is decided what the step reads as files and what as a table, and which settings travel. How
the mini-batches are cut, given to workers and counted is the server's business.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Tuple

from azureml._not_yet import not_yet
from azureml.pipeline.core import _parallel_settings as settings
from azureml.pipeline.core._data_kinds import (
    CONSUMPTION,
    DATASET,
    OUTPUT_CONFIG,
    OUTPUT_TABLE,
    is_a,
)
from azureml.pipeline.core._origins import is_promoted
from azureml.pipeline.core._parallel_run_config_base import _ParallelRunConfigBase
from azureml.pipeline.core._parallel_work import ParallelWork
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._python_script_step_base import _PythonScriptStepBase

FILES, TABLE = "files", "table"
# Names that stand for settings of the configuration, so that arguments cannot have them.
RESERVED = (
    "mini_batch_size",
    "error_threshold",
    "allowed_failed_count",
    "allowed_failed_percent",
    "output",
    "output_action",
    "logging_level",
    "process_count_per_node",
    "run_invocation_timeout",
    "run_max_try",
    "append_row_file_name",
    "partition_keys",
)
_SETTINGS = (
    "error_threshold",
    "allowed_failed_count",
    "allowed_failed_percent",
    "output_action",
    "append_row_file_name",
    "run_max_try",
    "run_invocation_timeout",
    "node_count",
    "process_count_per_node",
    "logging_level",
    "mini_batch_size",
    "partition_keys",
)
_PROGRESS_TIMEOUT = "progress_update_timeout"


class _ParallelRunStepBase(_PythonScriptStepBase):
    """What `ParallelRunStep` is made of."""

    def __init__(
        self,
        name: str,
        parallel_run_config: _ParallelRunConfigBase,
        inputs: List[Any],
        output: Any = None,
        side_inputs: Optional[List[Any]] = None,
        arguments: Optional[List[Any]] = None,
        allow_reuse: bool = True,
    ) -> None:
        """Check and keep; see `ParallelRunStep`."""
        config = _checked_config(parallel_run_config)
        _check_arguments(arguments or [])
        _check_given(inputs, arguments or [])
        self._forms = _forms(inputs)
        self._parallel_run_config = config
        by_key = config.partition_keys is not None
        script, folder = _script_and_folder(config)
        super().__init__(
            script_name=script,
            name=name,
            arguments=arguments,
            compute_target=config.compute_target,
            inputs=[
                *(_cut_input(each, self._forms[0], by_key) for each in inputs),
                *(_side_input(each) for each in side_inputs or []),
            ],
            outputs=_checked_output(output, config),
            source_directory=folder,
            allow_reuse=allow_reuse,
        )
        self._settings = _settings(config, arguments or [])

    @property
    def running_on_windows(self) -> bool:
        """Whether this program runs on Windows."""
        return os.name == "nt"

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node."""
        if self._runconfig is None:
            self._runconfig = _run_config(self._parallel_run_config)
        parameters = [
            value for value in self._settings.values() if isinstance(value, PipelineParameter)
        ]
        graph._add_parameters(parameters)
        node = super().create_node(graph, default_datastore, context)
        variables = self._parallel_run_config.environment_variables or {}
        node._work = ParallelWork(
            worker=node._work._replace(own_variables=variables),
            inputs=[(binding.name, form) for binding, form in zip(self._inputs, self._forms)],
            output=self._outputs[0].name if self._outputs else None,
            settings={name: settings.wire(value) for name, value in self._settings.items()},
        )
        return node

    def create_module_def(  # type: ignore[override]
        self,
        execution_type: Optional[str],
        input_bindings: List[Any],
        output_bindings: List[Any],
        param_defs: Optional[List[Any]] = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
    ) -> Any:
        """The definition of this step's node."""
        return super().create_module_def(
            execution_type,
            input_bindings,
            output_bindings,
            param_defs,
            create_sequencing_ports,
            allow_reuse,
            version,
            module_type="BatchInferencing",
            arguments=arguments,
        )


def _checked_config(config: Any) -> _ParallelRunConfigBase:
    if not isinstance(config, _ParallelRunConfigBase):
        raise ValueError(
            f"parallel_run_config is a {type(config).__name__}; pass a ParallelRunConfig"
        )
    return config


def _script_and_folder(config: _ParallelRunConfigBase) -> Tuple[str, Optional[str]]:
    """The entry script and the folder it is relative to.

    Without a source directory it may lie anywhere; its own folder is the source directory then,
    unless it lies below the one that the pipeline's steps share.
    """
    script, folder = config.entry_script, config.source_directory
    elsewhere = os.path.isabs(script) or os.path.normpath(script).startswith(os.pardir)
    if folder is None and elsewhere:
        folder, script = os.path.split(os.path.abspath(script))
    return script, folder


# Arguments.


def _check_arguments(arguments: List[Any]) -> None:
    if arguments and not (isinstance(arguments[0], str) and arguments[0].startswith("-")):
        raise ValueError(
            "the arguments of a ParallelRunStep begin with the name of one, such as '--rate'; "
            f"they begin with {arguments[0]!r}"
        )
    for each in arguments:
        name = _option(each)
        if name in RESERVED:
            raise ValueError(
                f"`--{name}` is an argument of the step itself; set it in the "
                "ParallelRunConfig, or "
                "give yours another name"
            )


def _option(argument: Any) -> Optional[str]:
    """The name of an argument such as `--rate` or `--rate=0.1`."""
    if not isinstance(argument, str) or not argument.startswith("--"):
        return None
    return argument[2:].split("=", 1)[0]


def _option_value(arguments: List[Any], name: str) -> Any:
    """The value of an option; `None` when it is not there."""
    for place, each in enumerate(arguments):
        if _option(each) != name:
            continue
        if "=" in each:
            return each.split("=", 1)[1]
        if place + 1 < len(arguments):
            return arguments[place + 1]
    return None


# Inputs.


def _check_given(inputs: Any, arguments: List[Any]) -> None:
    ranks = _option_value(arguments, "rank_mini_batch_count")
    if str(ranks or 0).isdigit() and int(ranks or 0) > 0:
        not_yet(
            "mini-batches without data, which --rank_mini_batch_count asks for, are not there "
            "yet; give the step an input"
        )
    if not isinstance(inputs, list) or not inputs:
        raise AssertionError("a ParallelRunStep needs inputs: a list of at least one dataset")


def _forms(inputs: List[Any]) -> List[str]:
    """For each input, whether it is files or a table; all must be of one kind."""
    forms = [_form(each) for each in inputs]
    if len(set(forms)) > 1:
        raise Exception(
            "All inputs of step must be same type: some are files and some are tables; split the "
            "work into two steps"
        )
    return forms


def _form(value: Any) -> str:
    """Whether an input is files or a table."""
    if is_promoted(value):
        return TABLE if is_a(value, "PipelineOutputTabularDataset") else FILES
    if is_a(value, OUTPUT_CONFIG):
        return TABLE if is_a(value, OUTPUT_TABLE) else FILES
    if is_a(value, CONSUMPTION):
        dataset = _dataset(value.dataset)
        is_table = is_a(dataset, "TabularDataset") or is_a(dataset, OUTPUT_TABLE)
        return TABLE if is_table else FILES
    if is_a(value, DATASET):
        raise ValueError(
            "a dataset cannot be an input by itself; give it a name with "
            "`dataset.as_named_input('name')`"
        )
    raise Exception(
        f"a ParallelRunStep reads datasets, not a {type(value).__name__}; for what an "
        "earlier step wrote use an "
        "OutputFileDatasetConfig, or `as_dataset()` of the PipelineData"
    )


def _dataset(given: Any) -> Any:
    """What a consumption reads: a parameter's default, or what is registered under a name."""
    if isinstance(given, PipelineParameter):
        given = given.default_value
    if isinstance(given, tuple):
        from azureml.data._step_inputs import resolved

        return resolved(given[0], given)
    return getattr(given, "dataset", given)


def _cut_input(value: Any, form: str, by_key: bool) -> Any:
    """An input in the mode in which its mini-batches are cut."""
    if is_a(value, OUTPUT_CONFIG):
        value = value.as_input()
    mode = getattr(value, "mode", None) or getattr(value, "_input_mode", None)
    name = getattr(value, "input_name", None) or value.name
    if form == TABLE or by_key:
        if mode != "direct":
            raise Exception(
                "input `{}` is handed over by `{}`; {} needs mode `direct`, which "
                "`as_named_input` gives".format(
                    name, mode, "a table" if form == TABLE else "what is cut by partition_keys"
                )
            )
        return value
    return _mounted(value)


def _mounted(value: Any) -> Any:
    path = getattr(value, "path_on_compute", None) or getattr(value, "_input_path_on_compute", None)
    return value.as_mount(path)


def _side_input(value: Any) -> Any:
    """An input that every worker sees whole; files of a dataset are mounted."""
    if is_a(value, OUTPUT_CONFIG):
        value = value.as_input()
    is_files = (is_promoted(value) or is_a(value, CONSUMPTION)) and _form(value) == FILES
    return _mounted(value) if is_files else value


# The output and the settings.


def _checked_output(output: Any, config: _ParallelRunConfigBase) -> List[Any]:
    if output is None and not config._is_summary_only:
        raise Exception(
            "Please specify output parameter: with output_action `append_row` the rows go to a "
            "file in it"
        )
    if isinstance(output, (list, tuple)):
        raise Exception(f"output is a {type(output).__name__}; pass one output")
    return [] if output is None else [output]


def _settings(config: _ParallelRunConfigBase, arguments: List[Any]) -> Dict[str, Any]:
    """The settings that are not left to the server, by name."""
    given = {name: getattr(config, name) for name in _SETTINGS}
    given["output_action"] = config.output_action.lower()
    given[_PROGRESS_TIMEOUT] = _option_value(arguments, _PROGRESS_TIMEOUT)
    return {name: value for name, value in given.items() if value is not None}


def _run_config(config: _ParallelRunConfigBase) -> Any:
    """A run configuration with the environment of the workers."""
    from azureml.core.runconfig import RunConfiguration

    made = RunConfiguration()
    made.environment = config.environment
    return made
