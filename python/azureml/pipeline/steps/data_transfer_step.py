"""`DataTransferStep`: a step that copies data between datastores."""

from __future__ import annotations

import json
from typing import Any, Optional

from azureml.pipeline.core._bindings import InputPortBinding
from azureml.pipeline.core._data_kinds import DATA_REFERENCE, is_a
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._pipeline_data import PipelineData
from azureml.pipeline.core._sources import is_data_path_pair
from azureml.pipeline.core._step_data import input_binding
from azureml.pipeline.core._transfer_work import TransferWork, rows_of
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep

OUTPUT = "_data_transfer_output"
TYPES = ("file", "directory")
COMPUTE = "DataFactoryCompute"


class DataTransferStep(PipelineStep):
    """A step that copies data from one datastore to another, without a program of yours.

    A directory is merged into the destination: files of the same name are replaced, others stay.
    A file becomes the destination, or goes into it if that is a directory.

    Rows of a database, which a `SqlDataReference` names, become a CSV or a Parquet file; rows of a
    file are added to a table. `stepwell.datastores.table` replaces or updates those that are there.

    Example:
        >>> copy = DataTransferStep(
        ...     name="fetch",
        ...     source_data_reference=DataReference(datastore, "raw", "raw/2026"),
        ...     destination_data_reference=DataReference(datastore, "landed", "landed/2026"),
        ...     compute_target="factory",
        ... )
        >>> train = PythonScriptStep(
        ...     "train.py",
        ...     source_directory="src",
        ...     arguments=["--from", copy.get_output()],
        ...     inputs=[copy.get_output()],
        ...     compute_target="cpu-cluster",
        ... )
    """

    def __init__(
        self,
        name: str,
        source_data_reference: Any = None,
        destination_data_reference: Any = None,
        compute_target: Any = None,
        source_reference_type: Optional[str] = None,
        destination_reference_type: Optional[str] = None,
        allow_reuse: bool = True,
    ) -> None:
        """A step that copies.

        Args:
            name: The step's name.
            source_data_reference: What is copied: data of any kind that a step can read.
            destination_data_reference: Where to: a `DataReference`, a binding of one, or a
                `DataPath` with its binding, which may be a pipeline parameter.
            compute_target: A `DataFactoryCompute` or the name of a target. The copy itself is done
                by the engine.
            source_reference_type: `file` or `directory`; what is there when `None`.
            destination_reference_type: `file` or `directory`; when `None` what is there, else what
                the source is.
            allow_reuse: Whether the copy is left out while the source and what was copied are
                unchanged.
        """
        required = (
            ("name", name),
            ("source_data_reference", source_data_reference),
            ("destination_data_reference", destination_data_reference),
            ("compute_target", compute_target),
        )
        for what, given in required:
            if not given:
                raise ValueError(f"a DataTransferStep needs a {what}")
        if not isinstance(name, str):
            raise ValueError(f"the name of a step is a str, not a {type(name).__name__}")
        self._compute_target = compute_target
        self._source_type = source_reference_type
        self._destination_type = destination_reference_type
        self._allow_reuse = allow_reuse
        self._source = input_binding(source_data_reference)
        self._destination = _destination(destination_data_reference)
        self._output = PipelineData(OUTPUT, datastore=_datastore(self._destination.bind_object))
        # The source may be what another such step has copied, whose port has the same name.
        super().__init__(
            name, [self._source, self._destination], [self._output], fix_port_name_collisions=True
        )
        self._source, self._destination = self._inputs

    def get_output(self) -> PipelineData:
        """What was copied, for later steps to read: the destination."""
        return self._output

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Raises:
            ValueError: A type is neither `file` nor `directory`, or the target will not do.
        """
        source_type = _checked_type("source_reference_type", self._source_type)
        destination_type = _checked_type("destination_reference_type", self._destination_type)
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        target = self._target_name()
        values = {
            "Command": "DataCopy",
            "CopyOptions": _copy_options(self._source_type, self._destination_type),
            "SourceInputName": self._source.name,
            "DestinationInputName": self._destination.name,
            "OutputName": OUTPUT,
            "ComputeName": target,
        }
        params = {name: value for name, value in values.items() if value is not None}
        definition = self.create_module_def(
            "DataTransferCloud",
            inputs,
            outputs,
            [ParamDef(name, value, is_metadata_param=True) for name, value in params.items()],
            allow_reuse=self._allow_reuse,
            version="2",
        )
        node = graph.add_module_node(
            self.name, inputs, outputs, params, module_builder=ModuleBuilder(definition)
        )
        node._work = TransferWork(
            self._source.name,
            self._destination.name,
            OUTPUT,
            source_type,
            destination_type,
            target,
            rows_of(self._source.bind_object, self._destination.bind_object),
        )
        return node

    def _target_name(self) -> str:
        target = self._compute_target
        if isinstance(target, str):
            return target
        if not is_a(target, COMPUTE):
            raise ValueError(
                f"step `{self.name}` runs on a {COMPUTE} or the name of a target, not on a "
                f"{type(target).__name__}"
            )
        return str(target.name)


def _destination(given: Any) -> InputPortBinding:
    """The port of the destination, which must be a place that is known before the run."""
    reference = given.bind_object if isinstance(given, InputPortBinding) else given
    if not is_a(reference, DATA_REFERENCE) and not is_data_path_pair(reference):
        raise ValueError(
            f"the destination is a {type(reference).__name__}; pass a DataReference or a "
            "DataPath with its binding"
        )
    binding = input_binding(given)
    if binding.bind_mode not in ("mount", "upload", None):
        raise ValueError(
            "the destination is written to, so its mode is mount or upload, not "
            f"{binding.bind_mode!r}"
        )
    return binding


def _datastore(reference: Any) -> Any:
    """The datastore of the destination, or that of the default of a pipeline parameter."""
    if is_a(reference, DATA_REFERENCE):
        return reference.datastore
    return reference.path._datastore


def _checked_type(name: str, given: Optional[str]) -> Optional[str]:
    if given is None:
        return None
    kind = str(given).lower()
    if kind not in TYPES:
        raise ValueError("the {} {!r} is not known; use {}".format(name, given, " or ".join(TYPES)))
    return kind


def _copy_options(source_type: Optional[str], destination_type: Optional[str]) -> Optional[str]:
    given = {
        "source_reference_type": source_type,
        "destination_reference_type": destination_type,
    }
    options = {name: value for name, value in given.items() if value is not None}
    return json.dumps(options) if options else None
