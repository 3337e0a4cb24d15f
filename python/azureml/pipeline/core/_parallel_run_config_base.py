"""How a parallel step does its work: `ParallelRunConfig` without its public name.

All that can be checked without the step's inputs is checked when the configuration is made.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Union

from azureml.core._warm_choices import WarmChoices
from azureml.pipeline.core import _parallel_settings as settings
from azureml.pipeline.core._data_kinds import is_a
from azureml.pipeline.core._parameter import PipelineParameter


class _ParallelRunConfigBase(WarmChoices):
    """What `ParallelRunConfig` is made of."""

    def __init__(
        self,
        environment: Any,
        entry_script: str,
        error_threshold: int,
        output_action: str,
        compute_target: Any,
        node_count: Union[int, PipelineParameter],
        process_count_per_node: Union[int, PipelineParameter, None] = None,
        mini_batch_size: Union[str, int, PipelineParameter, None] = None,
        source_directory: Optional[str] = None,
        description: Optional[str] = None,
        logging_level: Union[str, PipelineParameter, None] = None,
        run_invocation_timeout: Union[int, PipelineParameter, None] = None,
        run_max_try: Union[int, PipelineParameter, None] = None,
        append_row_file_name: Optional[str] = None,
        allowed_failed_count: Optional[int] = None,
        allowed_failed_percent: Optional[float] = None,
        partition_keys: Union[List[str], PipelineParameter, None] = None,
        environment_variables: Optional[Mapping[str, str]] = None,
    ) -> None:
        """Check and keep; see `ParallelRunConfig`."""
        if not is_a(environment, "Environment"):
            raise ValueError(f"environment is a {type(environment).__name__}; pass an Environment")
        if not isinstance(entry_script, str) or not entry_script:
            raise ValueError(f"entry_script is {entry_script!r}; pass the path of a script")
        if mini_batch_size is not None and partition_keys is not None:
            raise ValueError(
                "mini_batch_size and partition_keys exclude each other: mini-batches are cut by "
                "size or by key"
            )
        check = settings.of_parameter
        self.environment = environment
        self.entry_script = entry_script
        self.error_threshold: int = settings.threshold("error_threshold", error_threshold)
        self.output_action: str = settings.output_action("output_action", output_action)
        self.compute_target = compute_target
        self.node_count: Any = _checked_node_count(node_count, compute_target)
        self.process_count_per_node: Any = check(
            settings.at_least_one_if_given, "process_count_per_node", process_count_per_node
        )
        self.mini_batch_size: Any = check(settings.size, "mini_batch_size", mini_batch_size)
        self.source_directory = source_directory
        self.description = description
        self.logging_level: Union[str, PipelineParameter] = (
            "INFO" if logging_level is None else logging_level
        )
        self.run_invocation_timeout: Any = check(
            settings.at_least_one, "run_invocation_timeout", _or(run_invocation_timeout, 60)
        )
        self.run_max_try: Any = check(settings.at_least_one, "run_max_try", _or(run_max_try, 3))
        self.append_row_file_name: Optional[str] = settings.file_name(
            "append_row_file_name", append_row_file_name
        )
        self.allowed_failed_count: Optional[int] = settings.optional_threshold(
            "allowed_failed_count", allowed_failed_count
        )
        self.allowed_failed_percent: Optional[float] = settings.percent(
            "allowed_failed_percent", allowed_failed_percent
        )
        by_text = isinstance(partition_keys, PipelineParameter)
        self.partition_keys: Any = check(
            settings.keys_in_text if by_text else settings.keys, "partition_keys", partition_keys
        )
        self.environment_variables = environment_variables

    @property
    def environment_variables(self) -> Optional[Dict[str, str]]:
        """Variables that the entry script finds beside those of the environment."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: Optional[Mapping[str, str]]) -> None:
        if variables is not None and not isinstance(variables, Mapping):
            raise ValueError(
                f"environment_variables is a {type(variables).__name__}; pass a dictionary of texts"
            )
        self._environment_variables = (
            None
            if variables is None
            else {str(name): str(value) for name, value in variables.items()}
        )

    @property
    def _is_summary_only(self) -> bool:
        return self.output_action.lower() == "summary_only"

    def save_to_yaml(self, path: str) -> None:
        """Write the configuration to a YAML file."""
        from azureml.pipeline.core import _parallel_config_file

        _parallel_config_file.save(self, path)

    @staticmethod
    def load_yaml(workspace: Any, path: str) -> Any:
        """The configuration that `save_to_yaml` wrote."""
        from azureml.pipeline.core import _parallel_config_file

        return _parallel_config_file.load(_ParallelRunConfigBase, workspace, path)


def _or(value: Any, default: int) -> Any:
    return default if value is None else value


def _checked_node_count(value: Any, target: Any) -> Any:
    """A count of nodes. Its limits are those of the target, where the target is at hand."""
    count = value.default_value if isinstance(value, PipelineParameter) else value
    if isinstance(count, bool) or not isinstance(count, int):
        raise ValueError(f"node_count is {count!r}; it is a whole number")
    if not is_a(target, "AmlCompute"):
        return value
    most = getattr(target.scale_settings, "maximum_node_count", None)
    if count < 1 or (most is not None and count > most):
        raise ValueError(
            "node_count is {}; compute target `{}` has from 1 to {} nodes".format(
                count, target.name, "any number of" if most is None else most
            )
        )
    return value
