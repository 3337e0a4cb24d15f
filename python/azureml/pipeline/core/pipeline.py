"""`Pipeline`: steps put together, ready to be submitted.

The graph is built when the object is made, so that mistakes show where they are made; nothing
runs before `submit`.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from azureml.pipeline.core._graph import Graph
from azureml.pipeline.core._graph_builder import _PipelineGraphBuilder
from azureml.pipeline.core._graph_context import _GraphContext


class Pipeline(object):
    """A graph of steps in a workspace.

    Example:
        >>> train = PythonScriptStep(
        ...     "train.py", source_directory="src", compute_target="cpu-cluster"
        ... )
        >>> pipeline = Pipeline(workspace, steps=[train])
        >>> run = pipeline.submit("nightly")
        Created step train.py [...]
        Submitted PipelineRun ...
        Link to the run: http://...
        >>> run.wait_for_completion(show_output=False)
        'Finished'
    """

    def __init__(
        self,
        workspace: Any,
        steps: Any,
        description: Optional[str] = None,
        default_datastore: Any = None,
        default_source_directory: Optional[str] = None,
        resolve_closure: bool = True,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
        **kwargs: Any,
    ) -> None:
        """Build the graph of `steps`.

        Args:
            workspace: Where it runs.
            steps: A step, a list of steps, or a `StepSequence`; lists run side by side unless
                data or `run_after` says otherwise.
            description: What it does, for people.
            default_datastore: What keeps outputs that name no datastore.
            default_source_directory: Where scripts are when a step does not say.
            resolve_closure: Whether steps that are needed but not listed are pulled in.
        """
        _only_known(kwargs, ("enable_email_notification",), "Pipeline")
        from azureml.pipeline.core._targets import check_targets

        self._workspace = workspace
        self._description = description
        self._context = _GraphContext("placeholder", workspace, default_source_directory)
        builder = _PipelineGraphBuilder(
            resolve_closure, default_datastore or workspace.get_default_datastore(), self._context
        )
        self._graph = builder.construct("pipeline", steps)
        check_targets(workspace, self._graph)

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self._graph

    def service_endpoint(self) -> str:
        """The URL of the server.

        Returns:
            The URL.
        """
        return str(self._workspace._client.url)

    def validate(self) -> List[str]:
        """What is wrong with the pipeline; nothing when the list is empty.

        When all is well it prints which steps are ready.

        Returns:
            One sentence for each fault.
        """
        errors = self._graph.validate()
        if not errors:
            self._graph.finalize(dry_run=True)
        return errors

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        continue_on_step_failure: bool = False,
        regenerate_outputs: bool = False,
        parent_run_id: Optional[str] = None,
        credential_passthrough: Optional[bool] = None,
        **kwargs: Any,
    ) -> Any:
        """Start a run and return its `PipelineRun` at once.

        Args:
            experiment_name: The experiment the run belongs to.
            pipeline_parameters: Values of pipeline parameters by name.
            continue_on_step_failure: Whether steps that do not depend on a failed step run.
            regenerate_outputs: Whether outputs of earlier runs must not be reused.
            parent_run_id: The run this one belongs to.
            credential_passthrough: Without effect.

        Returns:
            The run.
        """
        from azureml.pipeline.core._submission import RunRequest, submit

        # The older spelling of pipeline_parameters.
        older = kwargs.pop("pipeline_params", None)
        _only_known(kwargs, (), "submit")
        request = RunRequest(
            experiment_name,
            dict(pipeline_parameters or older or {}),
            continue_on_step_failure,
            regenerate_outputs,
            parent_run_id,
            self._description,
        )
        return submit(self._graph, request)

    def publish(
        self,
        name: Optional[str] = None,
        description: Optional[str] = None,
        version: Optional[str] = None,
        continue_on_step_failure: Optional[bool] = None,
    ) -> Any:
        """Keep it at the server with its parameters open, and return the `PublishedPipeline`.

        Args:
            name: Its name; several published pipelines may share one.
            description: What it does, for people; the pipeline's own when `None`.
            version: Its version, for people.
            continue_on_step_failure: Whether steps that do not depend on a failed step run.

        Returns:
            The published pipeline.
        """
        from azureml.pipeline.core._published import publish_graph

        description = self._description if description is None else description
        return publish_graph(self._graph, name, description, version, continue_on_step_failure)

    @staticmethod
    def load_yaml(
        workspace: Any,
        filename: str,
        _workflow_provider: Any = None,
        _service_endpoint: Optional[str] = None,
    ) -> Pipeline:
        """The pipeline that a YAML file describes.

        Args:
            workspace: The workspace.
            filename: The file; folders in it are relative to its own folder.

        Returns:
            The pipeline.

        Raises:
            ValueError: The file names what is not there, or lacks something.
        """
        from azureml.pipeline.core._pipeline_file import load

        made: Pipeline = load(workspace, filename)
        return made

    def _set_experiment_name(self, name: str) -> None:
        self._context.experiment_name = name


def _only_known(given: Mapping[str, Any], known: Any, taker: str) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"{taker} takes no `{name}`")
