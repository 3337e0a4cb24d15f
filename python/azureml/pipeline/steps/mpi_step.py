"""`MpiStep`: a step whose script runs in processes that find each other by MPI."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azureml.pipeline.core._data_kinds import is_a
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.steps.python_script_step import PythonScriptStep

COMPUTES = ("AmlCompute", "KubernetesCompute")
# What the estimator within an MpiStep takes; v1 ignores all other keywords.
KEYWORDS = (
    "environment_definition",
    "use_gpu",
    "use_docker",
    "custom_docker_image",
    "image_registry_details",
    "user_managed",
    "conda_packages",
    "pip_packages",
    "conda_dependencies_file_path",
    "pip_requirements_file_path",
)


class MpiStep(PythonScriptStep):
    """A step whose script runs in processes that find each other by MPI.

    On this machine the processes of all nodes run beside each other; on a cluster each node has its
    own.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        source_directory: Optional[str] = None,
        script_name: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        compute_target: Any = None,
        node_count: Any = None,
        process_count_per_node: Any = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
        **kwargs: Any,
    ) -> None:
        """A step that runs `script_name` in `node_count * process_count_per_node` processes.

        Args:
            name: The step's name; required, as all up to `process_count_per_node` are.
            source_directory: The folder whose files the script finds around it.
            script_name: The script, relative to that folder.
            arguments: Its arguments; may be empty.
            compute_target: Where it runs: an AmlCompute or a KubernetesCompute object.
            node_count: On how many nodes; a number or a pipeline parameter.
            process_count_per_node: How many processes on each; a number or a parameter.
            inputs: What it reads.
            outputs: What it writes.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            version: The user's own mark of the step's version.
            hash_paths: Deprecated in v1; has no effect.
            kwargs: `environment_variables`, and what an estimator takes of packages.

        Raises:
            ValueError: Something that is required is missing.
            Exception: The compute target is of another kind.
        """
        required = {
            "name": name,
            "source_directory": source_directory,
            "script_name": script_name,
            "arguments": arguments,
            "compute_target": compute_target,
            "node_count": node_count,
            "process_count_per_node": process_count_per_node,
        }
        missing = [each for each, value in required.items() if value is None]
        if missing:
            raise ValueError("an MpiStep needs {}".format(", ".join(missing)))
        compute_target.name  # noqa: B018 v1 refuses the name of a target with this AttributeError
        if not any(is_a(compute_target, kind) for kind in COMPUTES):
            raise Exception(
                f"the compute target of an MpiStep is a {type(compute_target).__name__}; "
                "pass an AmlCompute or a "
                "KubernetesCompute"
            )
        counts = {"NodeCount": node_count, "MpiProcessCountPerNode": process_count_per_node}
        parameters = {
            setting: value
            for setting, value in counts.items()
            if isinstance(value, PipelineParameter)
        }
        super().__init__(
            script_name=str(script_name),
            name=name,
            arguments=arguments,
            compute_target=compute_target,
            runconfig=_run_config(
                str(source_directory),
                script_name,
                compute_target,
                {name: _number(value) for name, value in counts.items()},
                kwargs,
            ),
            runconfig_pipeline_params=parameters,
            inputs=inputs,
            outputs=outputs,
            params=kwargs.get("environment_variables"),
            source_directory=source_directory,
            allow_reuse=allow_reuse,
            version=version,
            hash_paths=hash_paths,
        )


def _run_config(
    source_directory: str,
    script: Optional[str],
    compute_target: Any,
    counts: Mapping[str, int],
    keywords: Mapping[str, Any],
) -> Any:
    """The run configuration of the estimator that v1 makes for the step."""
    from azureml.train.estimator import Estimator

    given: Dict[str, Any] = {name: keywords[name] for name in KEYWORDS if name in keywords}
    return Estimator(
        source_directory,
        compute_target=compute_target,
        entry_script=script,
        node_count=counts["NodeCount"],
        process_count_per_node=counts["MpiProcessCountPerNode"],
        distributed_backend="mpi",
        **given,
    ).run_config


def _number(value: Any) -> int:
    number: int = value.default_value if isinstance(value, PipelineParameter) else value
    return number
