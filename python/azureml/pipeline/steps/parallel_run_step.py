"""`ParallelRunStep`: one script over many mini-batches on many workers."""

from __future__ import annotations

from typing import Any, List, Optional

from azureml.pipeline.core._parallel_run_config_base import _ParallelRunConfigBase
from azureml.pipeline.core._parallel_run_step_base import _ParallelRunStepBase


class ParallelRunStep(_ParallelRunStepBase):
    """A step that calls a script's `run` with one mini-batch of its inputs after the other.

    Example:
        >>> config = ParallelRunConfig(
        ...     environment=Environment("scoring"),
        ...     entry_script="score.py",
        ...     source_directory="src",
        ...     error_threshold=10,
        ...     output_action="append_row",
        ...     compute_target="cpu-cluster",
        ...     node_count=1,
        ... )
        >>> score = ParallelRunStep(
        ...     name="score",
        ...     parallel_run_config=config,
        ...     inputs=[files.as_named_input("files")],
        ...     output=OutputFileDatasetConfig("scores"),
        ...     arguments=["--model", "churn"],
        ... )
        >>> Pipeline(workspace, [score]).validate()
        Step score is ready to be created [...]
        []
    """

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
        """A step that works through `inputs`.

        Args:
            name: The step's name.
            parallel_run_config: The entry script, and how the work is done.
            inputs: The datasets that are cut into mini-batches: all of files or all tables.
            output: Where the file with the rows goes; needed unless they are only counted.
            side_inputs: Data that every worker sees whole.
            arguments: What the entry script finds in `sys.argv`, beginning with the name of an
                argument.
            allow_reuse: Whether it may reuse the outputs of an identical earlier step.

        Raises:
            AssertionError: There are no inputs.
            ValueError: An argument has a name that a setting has.
            Exception: The inputs are of several kinds, or there is no output.
        """
        super().__init__(
            name, parallel_run_config, inputs, output, side_inputs, arguments, allow_reuse
        )

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Args:
            graph: The graph.
            default_datastore: The datastore of outputs that name none.
            context: The context of the graph.

        Returns:
            The node.
        """
        return super().create_node(graph, default_datastore, context)

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
        """The definition of this step's node.

        Args:
            execution_type: The kind of work, in v1's words.
            input_bindings: The bindings of the inputs.
            output_bindings: The bindings of the outputs.
            param_defs: The parameters.
            create_sequencing_ports: Whether it gets ports for `run_after`.
            allow_reuse: Whether it may reuse the outputs of an identical earlier step.
            version: The user's own mark of the step's version.
            arguments: The command line, one token each.

        Returns:
            The definition, of which a graph makes a node.
        """
        return super().create_module_def(
            execution_type,
            input_bindings,
            output_bindings,
            param_defs,
            create_sequencing_ports,
            allow_reuse,
            version,
            arguments,
        )
