"""Runs: what a pipeline, a step, a script or a notebook did, and the way to write to it.

`Run` is put together of its parts: `_run_core` (identity and record), `_run_logging`,
`_run_files` and `_run_tree`. Here is what concerns the whole: where runs come from, how they end
and how one waits for them. In a script, `Run.get_context()` is the run it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Union

from azureml._lazy import Getattr, exports
from azureml._not_yet import not_yet
from azureml.core import _run_filter
from azureml.core._run_files import RunFiles
from azureml.core._run_logging import RunLogging
from azureml.core._run_tree import RunTree, add_factory, rehydrate
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core._run_offline import _OfflineRun as _OfflineRun
    from azureml.core._run_submitted import InputDatasets as InputDatasets
    from azureml.core._run_submitted import LinkOutput as LinkOutput
    from azureml.core._run_submitted import OutputDatasets as OutputDatasets
    from azureml.core._run_submitted import _SubmittedRun as _SubmittedRun
    from azureml.core.environment import Environment
    from azureml.core.experiment import Experiment
    from azureml.core.model import Model
    from azureml.core.workspace import Workspace

RUNNING_STATES = [
    "NotStarted",
    "Queued",
    "Preparing",
    "Provisioning",
    "Starting",
    "Running",
    "CancelRequested",
]
POST_PROCESSING_STATES = ["Finalizing"]

# Programs import these from here, as they could where this module used them.
__getattr__: Getattr = exports(
    globals(),
    {
        "_OfflineRun": "azureml.core._run_offline",
        "_SubmittedRun": "azureml.core._run_submitted",
        "InputDatasets": "azureml.core._run_submitted",
        "OutputDatasets": "azureml.core._run_submitted",
        "LinkOutput": "azureml.core._run_submitted",
        "ActivityFailedException": "azureml.exceptions",
        "RunEnvironmentException": "azureml.exceptions",
    },
)


class Run(RunLogging, RunFiles, RunTree):
    """One run of an experiment.

    Example:
        >>> run = experiment.start_logging()
        >>> run.log("accuracy", 0.91)
        >>> uploaded = run.upload_file("outputs/model.pkl", "model.pkl")
        >>> run.complete()
        >>> run.get_status(), run.get_metrics(), run.get_file_names()
        ('Completed', {'accuracy': 0.91}, ['outputs/model.pkl'])
    """

    # Where runs come from.

    @classmethod
    def get_context(
        cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any
    ) -> Any:
        """The run this script belongs to.

        Args:
            allow_offline: Outside of a run, give one that only prints, instead of an exception.
            used_for_context_manager: Without effect.

        Returns:
            The run; outside of one, an object with its methods that prints what it is given.

        Raises:
            RunEnvironmentException: There is no run, and `allow_offline` is not set.

        Example:
            >>> run = Run.get_context()
            >>> run.log("accuracy", 0.91)  # outside of a run it is printed
            Attempted to log scalar metric accuracy:
            0.91
        """
        from azureml.core._run_submitted import context

        return context(allow_offline)

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Any:
        """The run this script belongs to; the same as `get_context`.

        Returns:
            What `get_context` gives.
        """
        return cls.get_context(**kwargs)

    @staticmethod
    def add_type_provider(runtype: str, run_factory: Callable[..., Run]) -> None:
        """Let `run_factory(experiment, record)` make the objects of runs of a type.

        Args:
            runtype: The type, such as `azureml.scriptrun`.
            run_factory: The function.
        """
        add_factory(runtype, run_factory)

    @staticmethod
    def get(workspace: Workspace, run_id: str) -> Run:
        """The run with an id, as an object of its kind.

        Args:
            workspace: The workspace.
            run_id: The id.

        Returns:
            The run, of the class of its kind.

        Raises:
            UserErrorException: The workspace has no such run.
        """
        from azureml import _edge
        from azureml.exceptions import UserErrorException
        from stepwell import errors

        try:
            record = workspace._client.get(f"/runs/{run_id}")
        except (errors.NotFound, errors.InvalidRequest):
            raise _edge.not_found(
                UserErrorException,
                f"workspace `{workspace.name}` has no run `{run_id}`; `stepwell runs` "
                "lists those there are",
            ) from None
        return rehydrate(workspace, record)

    @staticmethod
    def list(
        experiment: Experiment,
        type: Optional[str] = None,
        tags: Union[str, Dict[str, str], None] = None,
        properties: Union[str, Dict[str, str], None] = None,
        status: Optional[str] = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """The runs of an experiment, newest first.

        Args:
            experiment: The experiment.
            type: Only those of this type, such as `azureml.PipelineRun`.
            tags: Only those with these tags: a name, or values by name.
            properties: Only those with these properties: a name, or values by name.
            status: Only those with this status.
            include_children: Whether the runs below them, such as steps, are given too.

        Yields:
            The runs, each of the class of its kind.
        """
        for run in experiment.get_runs(type, tags, properties, include_children):
            if status is None or run._record["status"] == status:
                yield run

    @staticmethod
    def list_by_compute(
        compute: Any,
        type: Optional[str] = None,
        tags: Union[str, Dict[str, str], None] = None,
        properties: Union[str, Dict[str, str], None] = None,
        status: Optional[str] = None,
    ) -> Iterator[Run]:
        """The steps and scripts that ran, or are to run, on a compute target.

        Args:
            compute: The compute target.
            type: Only those of this type, such as `azureml.scriptrun`.
            tags: Only those with these tags: a name, or values by name.
            properties: Only those with these properties: a name, or values by name.
            status: Only those with this status.

        Yields:
            The runs, newest first.
        """
        for record in compute.workspace._client.pages("/runs", "runs"):
            on_it = record["target"] == compute.name
            if on_it and _run_filter.fits(record, type, tags, properties, status):
                yield rehydrate(compute.workspace, record)

    def submit_child(
        self, config: Any, tags: Optional[Dict[str, str]] = None, **kwargs: Any
    ) -> Run:
        """Start a pipeline or a script that belongs to this run.

        Args:
            config: What `Experiment.submit` takes.
            tags: Tags of the child.
            kwargs: What `Experiment.submit` takes with it.

        Returns:
            The child, of the class of its kind.
        """
        from azureml.core._run_submission import submit

        run = submit(self._experiment, config, kwargs, parent=self._run_id)
        if tags:
            run.set_tags(tags)
        return run

    # How runs end.

    def start(self) -> None:
        """A run that a program opened is running already."""

    def complete(self, _set_status: bool = True) -> None:
        """Say that all went well; what was logged is sent before."""
        self.flush()
        if _set_status:
            from azureml.core._run_interactive import end

            end(self, "Completed")

    def fail(
        self, error_details: Any = None, error_code: Optional[str] = None, _set_status: bool = True
    ) -> None:
        """Say that it went wrong, and why.

        Args:
            error_details: Why: a text, or an exception.
            error_code: A word for the kind of failure.
        """
        self.flush()
        if _set_status:
            from azureml.core._run_interactive import end, failure

            message = str(error_details) if error_details else "the program called run.fail()"
            end(self, "Failed", failure(message, str(error_code) if error_code else ""))

    def cancel(self) -> None:
        """Stop it: a program that runs is ended, one that waits will not start."""
        self.flush()
        self._client.post(self._path + "/cancel", repeatable=True)

    def __enter__(self) -> Run:
        """Begin a block that the run lasts for."""
        return self

    def __exit__(self, exit_type: Any, value: Any, traceback: Any) -> None:
        """Complete the run, or fail it when an exception left the block."""
        if exit_type is None:
            self.complete()
        else:
            self.fail(f"{exit_type.__name__}: {value}")

    # What one waits for and reads.

    def wait_for_completion(
        self,
        show_output: bool = False,
        wait_post_processing: bool = False,
        raise_on_error: bool = True,
    ) -> Dict[str, Any]:
        """Wait until it is over.

        Args:
            show_output: Print what the program prints.
            wait_post_processing: Accepted; a run that is over needs nothing more.
            raise_on_error: Raise `ActivityFailedException` when it failed.

        Returns:
            The details, as of `get_details`.
        """
        from azureml.core import _run_wait

        record = _run_wait.guarded(self, lambda: _run_wait.wait(self, show_output))
        return _run_wait.details_or_raise(self, record, raise_on_error, show_output)

    def get_metrics(
        self,
        name: Optional[str] = None,
        recursive: bool = False,
        run_type: Optional[str] = None,
        populate: bool = False,
    ) -> Dict[str, Any]:
        """What was logged, by name.

        Args:
            name: Only the metric of this name.
            recursive: All runs below this one too: then a dictionary by run id.
            run_type: With `recursive`, only runs of this type.
            populate: Accepted; values are always whole.

        Returns:
            One value for a metric that was logged once, a list for one that was logged often.
        """
        self.flush()
        if not recursive:
            return self._metrics_of(self._run_id, name)
        found = {}
        for record in [self._record, *self._descendants(recursive=True)]:
            if run_type in (None, _run_filter.type_of(record)):
                metrics = self._metrics_of(record["id"], name)
                if metrics:
                    found[record["id"]] = metrics
        return found

    def _metrics_of(self, run_id: str, name: Optional[str]) -> Dict[str, Any]:
        from azureml.core._run_metrics import shaped

        reply = self._client.get(f"/runs/{run_id}/metrics", name=name)
        return shaped(run_id, reply["series"])

    def register_model(
        self,
        model_name: str,
        model_path: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        properties: Optional[Dict[str, str]] = None,
        model_framework: Optional[str] = None,
        model_framework_version: Optional[str] = None,
        description: Optional[str] = None,
        datasets: Any = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        **kwargs: Any,
    ) -> Model:
        """Register files of this run as a new version of a model.

        Args:
            model_name: The model's name.
            model_path: A file or folder among the run's files, such as `outputs/model.pkl`;
                the model's name when absent.
            tags: Tags of the version.
            properties: Properties of the version; they cannot be changed later.
            model_framework: One of `Model.Framework`.
            model_framework_version: The framework's version.
            description: A description for people.
            datasets: The datasets it was made with: pairs of a word for the use, such as
                `training data`, and the dataset.
            sample_input_dataset: A dataset that shows what it takes.
            sample_output_dataset: A dataset that shows what it gives.
            resource_configuration: What serving it would need; kept for other programs.

        Returns:
            The version.
        """
        from azureml.core._model_registration import Facts, register_from_run

        facts = Facts(
            model_name,
            tags,
            properties,
            description,
            model_framework,
            model_framework_version,
            datasets,
            sample_input_dataset,
            sample_output_dataset,
            resource_configuration,
        )
        return register_from_run(self, facts, model_path or model_name)

    # Secrets, and what is not there yet.

    def get_secret(self, name: str) -> Optional[str]:
        """A secret of the workspace's key vault.

        Args:
            name: The secret's name.

        Returns:
            The value; `None` when there is no such secret.
        """
        return self._experiment.workspace.get_default_keyvault().get_secret(name)

    def get_secrets(self, secrets: List[str]) -> Dict[str, Optional[str]]:
        """Several secrets of the workspace's key vault, by name.

        Args:
            secrets: The names.

        Returns:
            The values; `None` for a secret that is not there.
        """
        return self._experiment.workspace.get_default_keyvault().get_secrets(secrets)

    def get_environment(self) -> Environment:
        """The environment of the step or script, with the packages that it asked for.

        Returns:
            The environment.

        Raises:
            UserErrorException: The run is a pipeline, or a program opened it itself.
        """
        from azureml.core import _run_details
        from azureml.core.environment import Environment

        definition = _run_details.definition_of(self)
        if definition is None:
            raise UserErrorException(
                f"run {self.id} has no environment of its own: it is no script and no step"
            )
        return Environment._from_dict(definition["environment"])

    def clean(self) -> List[str]:
        """Not there: nothing is left on a compute target."""
        not_yet("a run leaves no files on its compute target, so there is nothing to clean")


def get_run(
    experiment: Experiment, run_id: str, rehydrate: bool = True, clean_up: bool = True
) -> Run:
    """The run with an id."""
    return Run.get(experiment.workspace, run_id) if rehydrate else Run(experiment, run_id)
