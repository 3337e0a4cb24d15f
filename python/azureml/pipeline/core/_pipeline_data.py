"""`PipelineData`: what one step writes and later steps read.

An object of this class is a name and a promise; the engine chooses the place when the step that
makes it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from azureml._fields import Field, field
from azureml.pipeline.core._bindings import InputPortBinding, TrainingOutput, data_type_of
from azureml.pipeline.core._names import is_port_name, reference_token

if TYPE_CHECKING:
    from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset


class PipelineData(object):
    """Data that one step of a pipeline writes and others read.

    Example:
        >>> clean = PipelineData("clean", datastore=datastore)
        >>> prepare = PythonScriptStep(
        ...     "prepare.py",
        ...     source_directory="src",
        ...     arguments=["--to", clean],
        ...     outputs=[clean],
        ...     compute_target="cpu-cluster",
        ... )
        >>> train = PythonScriptStep(
        ...     "train.py",
        ...     source_directory="src",
        ...     arguments=["--from", clean],
        ...     inputs=[clean],
        ...     compute_target="cpu-cluster",
        ... )
        >>> run = experiment.submit(Pipeline(workspace, [train]))  # `prepare` comes with it
        >>> run.wait_for_completion(show_output=False)
        'Finished'
        >>> sorted(step.name for step in run.get_steps())
        ['prepare.py', 'train.py']
    """

    def __init__(
        self,
        name: str,
        datastore: Any = None,
        output_name: Optional[str] = None,
        output_mode: str = "mount",
        output_path_on_compute: Optional[str] = None,
        output_overwrite: Optional[bool] = None,
        data_type: Optional[str] = None,
        is_directory: Optional[bool] = None,
        pipeline_output_name: Optional[str] = None,
        training_output: Optional[TrainingOutput] = None,
    ) -> None:
        """Data between steps.

        Args:
            name: Its name: letters, digits and underscores.
            datastore: What keeps it; the pipeline's default when `None`.
            output_name: The name of the port that writes it; `name` when `None`.
            output_mode: `mount`: the script writes to the place it is given. `upload`: what it
                wrote to `output_path_on_compute` is stored when it ends.
            output_path_on_compute: For `upload`: a path in the step's working directory.
            output_overwrite: Kept; what a step writes is never there before.
            data_type: A name of what it is, for people.
            is_directory: Whether it is a folder; kept.
            pipeline_output_name: Its name among the outputs of the whole pipeline.
            training_output: What of a search for a model it is to hold.

        Raises:
            ValueError: A name holds other characters, or the mode is another.
        """
        if not name:
            raise ValueError("a PipelineData needs a name")
        for each in (name, output_name or name):
            if not is_port_name(each):
                raise ValueError(
                    f"the PipelineData name {each!r} may hold letters, digits and underscores only"
                )
        if output_mode not in ("mount", "upload"):
            raise ValueError(
                f"PipelineData `{name}` cannot be written by {output_mode!r}; use `mount` "
                "or `upload`"
            )
        self._name = name
        self._datastore = datastore
        self._output_name = output_name or name
        self._output_mode = output_mode
        self._output_path_on_compute = output_path_on_compute
        self._output_overwrite = output_overwrite
        self._data_type = data_type
        self._is_directory = is_directory
        self._pipeline_output_name = pipeline_output_name
        self._training_output = training_output
        self._producer: Any = None

    name: Field[str] = field("_name", "Its name.")
    datastore: Field[Any] = field("_datastore", "What keeps it; `None` for the pipeline's default.")

    @property
    def data_type(self) -> str:
        """The type of the data."""
        return data_type_of(self._data_type, self._is_directory)

    def as_download(
        self,
        input_name: Optional[str] = None,
        path_on_compute: Optional[str] = None,
        overwrite: Optional[bool] = None,
    ) -> InputPortBinding:
        """This data as an input that is copied to the step.

        Args:
            input_name: The name in that step; its own when `None`.
            path_on_compute: Where the script finds it: a path in its working directory.
            overwrite: Kept, without effect.

        Returns:
            The input, for `inputs`.
        """
        return self.create_input_binding(input_name, "download", path_on_compute, overwrite)

    def as_mount(self, input_name: Optional[str] = None) -> InputPortBinding:
        """This data as an input that is read in place.

        Args:
            input_name: The name in that step; its own when `None`.

        Returns:
            The input, for `inputs`.
        """
        return self.create_input_binding(input_name, "mount")

    def as_input(self, input_name: str) -> InputPortBinding:
        """This data as an input under another name.

        Args:
            input_name: The name in that step.

        Returns:
            The input, for `inputs`.
        """
        return self.create_input_binding(input_name)

    def create_input_binding(
        self,
        input_name: Optional[str] = None,
        mode: Optional[str] = None,
        path_on_compute: Optional[str] = None,
        overwrite: Optional[bool] = None,
    ) -> InputPortBinding:
        """This data as an input, with all that can be said of it.

        Args:
            input_name: The name in that step; its own when `None`.
            mode: `mount` or `download`; `mount` when `None`.
            path_on_compute: Where the script finds it: a path in its working directory.
            overwrite: Kept, without effect.

        Returns:
            The input, for `inputs`.

        Raises:
            ValueError: The mode is another.
        """
        return reading_binding(self, input_name or self._name, mode, path_on_compute, overwrite)

    def get_env_variable_name(self) -> str:
        """The text that stands for this data in an argument list.

        Returns:
            The text, which a step replaces by the place.
        """
        return reference_token(self._name)

    def as_dataset(self) -> PipelineOutputFileDataset:
        """This data as a file dataset, for the step that writes it and for those that read it.

        Returns:
            The file dataset.
        """
        from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset

        return PipelineOutputFileDataset(self)

    def _set_producer(self, step: Any) -> None:
        self._producer = step

    def __str__(self) -> str:
        """The text that stands for this data in an argument list."""
        return self.get_env_variable_name()

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)


def reading_binding(
    data: Any,
    input_name: str,
    mode: Optional[str],
    path_on_compute: Optional[str],
    overwrite: Optional[bool],
) -> InputPortBinding:
    """An input that reads `data` by mounting or downloading it."""
    mode = mode or "mount"
    if mode not in ("mount", "download"):
        raise ValueError(f"input `{input_name}` cannot read by {mode!r}; use `mount` or `download`")
    return InputPortBinding(input_name, data, mode, path_on_compute, overwrite)
