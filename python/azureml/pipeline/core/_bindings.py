"""What joins a step's ports to data: an input to what it reads, an output to where it is kept.

A binding says how a port is meant to be used; it opens no data and knows no graph.
"""

from __future__ import annotations

import copy
from typing import Any, Optional

from azureml._fields import Field, OpenField, field, open_field
from azureml.pipeline.core._data_kinds import DATA_REFERENCE, is_a
from azureml.pipeline.core._names import is_port_name, reference_token

INPUT_MODES = ("mount", "download", "direct", "hdfs")
OUTPUT_MODES = ("mount", "upload", "hdfs", "link")


class TrainingOutput(object):
    """What an AutoML or hyperparameter step hands on: its metrics or a model.

    Example:
        >>> best = TrainingOutput("Model", metric="AUC_weighted")
        >>> model = PipelineData("model", datastore=datastore, training_output=best)
        >>> scores = PipelineData("scores", training_output=TrainingOutput("Metrics"))
        >>> best.type, best.metric
        ('Model', 'AUC_weighted')
    """

    def __init__(
        self,
        type: str,
        iteration: Optional[int] = None,
        metric: Optional[str] = None,
        model_file: Optional[str] = None,
    ) -> None:
        """An output of training.

        Args:
            type: `Metrics` or `Model`.
            iteration: Of a model: the iteration it comes from.
            metric: Of a model: the metric by which it is the best.
            model_file: Of a model: its file among the outputs of the best run.

        Raises:
            ValueError: The type is something else, or the choice of a model contradicts itself.
        """
        kind = type.lower() if isinstance(type, str) else type
        if kind not in ("metrics", "model"):
            raise ValueError(f"a training output is `Metrics` or `Model`, not {type!r}")
        if kind == "metrics" and (iteration is not None or metric is not None):
            raise ValueError("the metrics of a training have no iteration and no metric")
        if iteration is not None and metric is not None:
            raise ValueError("a model is chosen by iteration or by metric, not by both")
        self._type = type
        self._iteration = iteration
        self._metric = metric
        self._model_file = model_file

    type: Field[str] = field("_type", "`Metrics` or `Model`.")
    iteration: Field[Optional[int]] = field("_iteration", "The iteration the model comes from.")
    metric: Field[Optional[str]] = field("_metric", "The metric by which the model is the best.")
    model_file: Field[Optional[str]] = field("_model_file", "The model's file among the outputs.")


class InputPortBinding(object):
    """An input port of a step and the data it reads."""

    def __init__(
        self,
        name: str,
        bind_object: Any = None,
        bind_mode: str = "mount",
        path_on_compute: Optional[str] = None,
        overwrite: Optional[bool] = None,
        is_resource: bool = False,
        additional_transformations: Any = None,
        **kwargs: Any,
    ) -> None:
        """An input port.

        Args:
            name: The port's name: letters, digits and underscores.
            bind_object: What is read, such as a `PipelineData` or a `DataReference`.
            bind_mode: `mount`, `download`, `direct` or `hdfs`.
        """
        if kwargs:
            raise TypeError("an input port has no {}".format(", ".join(sorted(kwargs))))
        if bind_object is None:
            raise ValueError(f"input `{name}` is bound to nothing; pass a bind_object")
        if bind_mode not in INPUT_MODES:
            raise ValueError(
                "input `{}` cannot be bound by {!r}; use one of {}".format(
                    name, bind_mode, ", ".join(INPUT_MODES)
                )
            )
        self._name = name
        self._bind_object = bind_object
        self._bind_mode = bind_mode
        self._path_on_compute = path_on_compute
        self._overwrite = overwrite
        self._is_resource = is_resource
        self._additional_transformations = additional_transformations

    name: OpenField[str] = open_field("_name", "The port's name.")
    bind_mode: OpenField[str] = open_field("_bind_mode", "`mount`, `download`, `direct` or `hdfs`.")
    bind_object: Field[Any] = field("_bind_object", "What is read.")
    path_on_compute: OpenField[Optional[str]] = open_field(
        "_path_on_compute", "Where the script expects the data."
    )
    overwrite: Field[Optional[bool]] = field(
        "_overwrite", "Whether a download replaces what is there."
    )
    is_resource: Field[bool] = field("_is_resource", "Whether the data lies beside the script.")
    additional_transformations: Field[Any] = field(
        "_additional_transformations", "What is done to tabular data before it is read."
    )

    @property
    def data_reference_name(self) -> str:
        """The name under which the data is known to the script."""
        if is_a(self._bind_object, DATA_REFERENCE):
            return str(self._bind_object.data_reference_name)
        return self.get_bind_object_name()

    @property
    def data_type(self) -> Optional[str]:
        """The type of the data."""
        return self.get_bind_object_data_type()

    def get_bind_object_name(self) -> str:
        """The name of what is read."""
        if is_a(self._bind_object, DATA_REFERENCE):
            return str(self._bind_object.data_reference_name)
        return str(self._bind_object.name)

    def get_bind_object_data_type(self) -> Optional[str]:
        """The type of what is read, where it has one."""
        return getattr(self._bind_object, "data_type", None)

    def as_resource(self) -> InputPortBinding:
        """The same input with its data beside the script."""
        other = self._clone()
        other._is_resource = True
        return other

    def _clone(self) -> InputPortBinding:
        return copy.copy(self)

    def __str__(self) -> str:
        """The text that stands for the input in an argument list."""
        return reference_token(self._name)

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)


class OutputPortBinding(object):
    """An output port of a step and where what it writes is kept."""

    def __init__(
        self,
        name: str,
        datastore: Any = None,
        output_name: Optional[str] = None,
        bind_mode: str = "mount",
        path_on_compute: Optional[str] = None,
        is_directory: Optional[bool] = None,
        overwrite: Optional[bool] = None,
        data_type: Optional[str] = None,
        pipeline_output_name: Optional[str] = None,
        training_output: Optional[TrainingOutput] = None,
        dataset_registration: Any = None,
        dataset_output: Any = None,
    ) -> None:
        """An output port.

        Args:
            name: The port's name: letters, digits and underscores.
            datastore: What keeps it; the pipeline's default when `None`.
            bind_mode: `mount`, `upload`, `hdfs` or `link`.
            path_on_compute: For `upload`: what the script writes.
            pipeline_output_name: The name of the output among those of the whole pipeline.
        """
        if not is_port_name(name):
            raise ValueError(
                f"the output name {name!r} may hold letters, digits and underscores only"
            )
        if bind_mode not in OUTPUT_MODES:
            raise ValueError(
                "output `{}` cannot be bound by {!r}; use one of {}".format(
                    name, bind_mode, ", ".join(OUTPUT_MODES)
                )
            )
        self._name = name
        self._datastore = datastore
        self._output_name = output_name or name
        self._bind_mode = bind_mode
        self._path_on_compute = path_on_compute
        self._is_directory = is_directory
        self._overwrite = overwrite
        self._data_type = data_type
        self._pipeline_output_name = pipeline_output_name
        self._training_output = training_output
        self._dataset_registration = dataset_registration
        self._dataset_output = dataset_output
        self._producer: Any = None
        self._source: Any = self

    name: Field[str] = field("_name", "The port's name.")
    bind_mode: Field[str] = field("_bind_mode", "`mount`, `upload`, `hdfs` or `link`.")
    datastore: OpenField[Any] = open_field("_datastore", "What keeps the output.")
    path_on_compute: Field[Optional[str]] = field("_path_on_compute", "What the script writes.")
    is_directory: Field[Optional[bool]] = field("_is_directory", "Whether the output is a folder.")
    overwrite: Field[Optional[bool]] = field(
        "_overwrite", "Whether an upload replaces what is there."
    )
    pipeline_output_name: Field[Optional[str]] = field(
        "_pipeline_output_name", "Its name among the pipeline's outputs."
    )
    training_output: Field[Optional[TrainingOutput]] = field(
        "_training_output", "What of a training it is."
    )
    dataset_registration: Field[Any] = field(
        "_dataset_registration", "How it is registered as a dataset."
    )

    @property
    def data_type(self) -> str:
        """The type of the data."""
        return data_type_of(self._data_type, self._is_directory)

    def _set_producer(self, step: Any) -> None:
        self._producer = step

    def __str__(self) -> str:
        """The text that stands for the output in an argument list."""
        return reference_token(self._name)

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)


def data_type_of(data_type: Optional[str], is_directory: Optional[bool]) -> str:
    """The name of a data type: the given one, or that of any folder or any file."""
    return data_type or ("AnyDirectory" if is_directory else "AnyFile")
