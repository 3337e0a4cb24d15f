"""`ParallelRunConfig`: how a `ParallelRunStep` does its work."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Union

from azureml.pipeline.core import _parallel_config_file
from azureml.pipeline.core._parallel_run_config_base import _ParallelRunConfigBase
from azureml.pipeline.core._parameter import PipelineParameter


class ParallelRunConfig(_ParallelRunConfigBase):
    """The entry script of a parallel step, and how its mini-batches are cut, tried and counted.

    Example:
        >>> config = ParallelRunConfig(
        ...     environment=Environment("scoring"),
        ...     entry_script="score.py",
        ...     source_directory="src",
        ...     mini_batch_size="5",
        ...     error_threshold=10,
        ...     output_action="append_row",
        ...     append_row_file_name="scores.txt",
        ...     compute_target="cpu-cluster",
        ...     node_count=2,
        ... )
        >>> config.mini_batch_size, config.append_row_file_name
        (5, 'scores.txt')
    """

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
        logging_level: Union[str, PipelineParameter] = "INFO",
        run_invocation_timeout: Union[int, PipelineParameter] = 60,
        run_max_try: Union[int, PipelineParameter] = 3,
        append_row_file_name: Optional[str] = None,
        allowed_failed_count: Optional[int] = None,
        allowed_failed_percent: Optional[float] = None,
        partition_keys: Union[List[str], PipelineParameter, None] = None,
        environment_variables: Optional[Mapping[str, str]] = None,
    ) -> None:
        """Describe how the work is done.

        Args:
            environment: The Python of the workers.
            entry_script: The script with `run(mini_batch)` and perhaps `init()` and `shutdown()`,
                relative to the source directory.
            error_threshold: How many items may fail in all; -1 for any number.
            output_action: `append_row`: what `run` returns goes to one file; `summary_only`: it
                is counted.
            compute_target: Where the workers run: a name or an object.
            node_count: How many nodes the work is spread over.
            process_count_per_node: How many workers each node has; its cores when `None`.
            mini_batch_size: How many files, or about how many bytes of a table, one call of `run`
                is given: `'5'`, `'10KB'`. 10 files or 1 MB when `None`.
            source_directory: The folder that becomes the working directory of the workers.
            description: A description for people.
            logging_level: What the entry script's logger lets through.
            run_invocation_timeout: How many seconds one call of `run` may take.
            run_max_try: How often a mini-batch is tried.
            append_row_file_name: The file's name; `parallel_run_step.txt` when `None`.
            allowed_failed_count: How many mini-batches may fail; -1 for any number.
            allowed_failed_percent: How many of a hundred mini-batches may fail.
            partition_keys: Columns; a mini-batch is all there is of one combination of their
                values.
            environment_variables: Variables that the entry script finds.

        Raises:
            ValueError: A value is not what it must be.
        """
        super().__init__(
            environment,
            entry_script,
            error_threshold,
            output_action,
            compute_target,
            node_count,
            process_count_per_node,
            mini_batch_size,
            source_directory,
            description,
            logging_level,
            run_invocation_timeout,
            run_max_try,
            append_row_file_name,
            allowed_failed_count,
            allowed_failed_percent,
            partition_keys,
            environment_variables,
        )

    def save_to_yaml(self, path: str) -> None:
        """Write the configuration to a YAML file.

        Args:
            path: The file; one that is there is replaced.
        """
        super().save_to_yaml(path)

    @staticmethod
    def load_yaml(workspace: Any, path: str) -> ParallelRunConfig:
        """The configuration that `save_to_yaml` wrote.

        Args:
            workspace: The workspace whose compute target it names.
            path: The file.

        Returns:
            The configuration.
        """
        return _parallel_config_file.load(ParallelRunConfig, workspace, path)
