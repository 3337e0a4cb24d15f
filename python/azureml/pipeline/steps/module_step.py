"""`ModuleStep`: a step that is made of a published module."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core.module_step_base import ModuleStepBase


class ModuleStep(ModuleStepBase):
    """A step that is made of a published module.

    Example:
        >>> module = Module.create(workspace, name="cleaner", description="Cleans the sales")
        >>> version = module.publish_python_script(
        ...     "prepare.py",
        ...     description="first",
        ...     inputs=[],
        ...     outputs=[OutputPortDef("clean")],
        ...     source_directory="src",
        ... )
        >>> step = ModuleStep(
        ...     module=module,
        ...     outputs_map={"clean": PipelineData("clean")},
        ...     compute_target="cpu-cluster",
        ... )
    """

    def __init__(
        self,
        module: Any = None,
        version: Optional[str] = None,
        module_version: Any = None,
        inputs_map: Optional[Mapping[str, Any]] = None,
        outputs_map: Optional[Mapping[str, Any]] = None,
        compute_target: Any = None,
        runconfig: Any = None,
        runconfig_pipeline_params: Optional[Mapping[str, PipelineParameter]] = None,
        arguments: Optional[List[Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        name: Optional[str] = None,
        _workflow_provider: Any = None,
    ) -> None:
        """A step that does what a version of a module says.

        Args:
            module: The module, or `module_version`.
            version: Which version of it; `Module.resolve` says what is chosen.
            module_version: A version.
            inputs_map: The data that each input port reads.
            outputs_map: The data that each output port writes.
            compute_target: Where it runs; that of the run configuration when `None`.
            runconfig: How it runs; as the version was published when `None`.
            runconfig_pipeline_params: Settings of the run configuration that are parameters.
            arguments: The arguments, instead of the version's.
            params: Values of the version's parameters; the others have their defaults.
            name: The step's name; that of the module when `None`.

        Raises:
            ValueError: Not exactly one of `module` and `module_version` is given.
        """
        super().__init__(
            module,
            version,
            module_version,
            inputs_map,
            outputs_map,
            compute_target,
            runconfig,
            runconfig_pipeline_params,
            arguments,
            params,
            name,
            _workflow_provider,
        )

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node."""
        return super().create_node(graph, default_datastore, context)
