"""What a kind of node looks like: its ports, its parameters and its settings.

Definitions are plain descriptions, shared by nothing and changed by nobody once a node is made
of them, except that a node which must wait for others gets hidden ports for the order.
"""

from __future__ import annotations

from typing import Any, List, Optional

from azureml._fields import Field, field
from azureml.pipeline.core._node_params import ParamDef

ORDER_OUTPUT = "_run_after_output"
ORDER_INPUT = "_run_after_input_"


class InputPortDef(object):
    """An input of a kind of node."""

    def __init__(
        self,
        name: str,
        data_types: Optional[List[str]] = None,
        default_datastore_mode: Optional[str] = None,
        default_path_on_compute: Optional[str] = None,
        is_optional: bool = False,
        default_overwrite: Optional[bool] = None,
        default_data_reference_name: Optional[str] = None,
        is_resource: bool = False,
        label: Optional[str] = None,
        additional_transformations: Any = None,
        **kwargs: Any,
    ) -> None:
        """An input with its defaults."""
        if kwargs:
            raise TypeError("an input port has no {}".format(", ".join(sorted(kwargs))))
        self._name = name
        self._data_types = list(data_types or ["AnyFile", "AnyDirectory"])
        self._default_datastore_mode = default_datastore_mode
        self._default_path_on_compute = default_path_on_compute
        self._is_optional = is_optional
        self._default_overwrite = default_overwrite
        self._default_data_reference_name = default_data_reference_name
        self._is_resource = is_resource
        self._label = label
        self._additional_transformations = additional_transformations

    name: Field[str] = field("_name", "The port's name.")
    data_types: Field[List[str]] = field("_data_types", "The types of data it reads.")
    default_datastore_mode: Field[Optional[str]] = field(
        "_default_datastore_mode", "How it reads by default."
    )
    default_path_on_compute: Field[Optional[str]] = field(
        "_default_path_on_compute", "Where the script expects it."
    )
    is_optional: Field[bool] = field("_is_optional", "Whether it may stay unconnected.")
    default_overwrite: Field[Optional[bool]] = field(
        "_default_overwrite", "Whether a download replaces what is there."
    )
    default_data_reference_name: Field[Optional[str]] = field(
        "_default_data_reference_name", "What the script calls it."
    )
    is_resource: Field[bool] = field("_is_resource", "Whether the data lies beside the script.")
    label: Field[Optional[str]] = field("_label", "A name for people.")
    additional_transformations: Field[Any] = field(
        "_additional_transformations", "What is done to tabular data before it is read."
    )


class OutputPortDef(object):
    """An output of a kind of node."""

    def __init__(
        self,
        name: str,
        default_datastore_name: Optional[str] = None,
        default_datastore_mode: Optional[str] = None,
        default_path_on_compute: Optional[str] = None,
        is_directory: Optional[bool] = False,
        data_type: Optional[str] = None,
        default_overwrite: Optional[bool] = None,
        training_output: Any = None,
        label: Optional[str] = None,
    ) -> None:
        """An output with its defaults."""
        self._name = name
        self._default_datastore_name = default_datastore_name
        self._default_datastore_mode = default_datastore_mode
        self._default_path_on_compute = default_path_on_compute
        self._is_directory = is_directory
        self._data_type = data_type or ("AnyDirectory" if is_directory else "AnyFile")
        self._default_overwrite = default_overwrite
        self._training_output = training_output
        self._label = label

    name: Field[str] = field("_name", "The port's name.")
    default_datastore_name: Field[Optional[str]] = field(
        "_default_datastore_name", "The datastore that keeps it by default."
    )
    default_datastore_mode: Field[Optional[str]] = field(
        "_default_datastore_mode", "How it is written by default."
    )
    default_path_on_compute: Field[Optional[str]] = field(
        "_default_path_on_compute", "What the script writes."
    )
    is_directory: Field[Optional[bool]] = field("_is_directory", "Whether it is a folder.")
    data_type: Field[str] = field("_data_type", "The type of the data.")
    default_overwrite: Field[Optional[bool]] = field(
        "_default_overwrite", "Whether an upload replaces what is there."
    )
    training_output: Field[Any] = field("_training_output", "What of a training it is.")
    label: Field[Optional[str]] = field("_label", "A name for people.")


class ModuleDef(object):
    """A kind of node that does something."""

    fake_output_name = ORDER_OUTPUT
    fake_input_prefix = ORDER_INPUT

    def __init__(
        self,
        name: str,
        description: Optional[str] = None,
        input_port_defs: Optional[List[InputPortDef]] = None,
        output_port_defs: Optional[List[OutputPortDef]] = None,
        param_defs: Optional[List[ParamDef]] = None,
        module_execution_type: Optional[str] = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        module_type: Optional[str] = None,
        step_type: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        runconfig: Any = None,
        cloud_settings: Any = None,
    ) -> None:
        """A kind of node with everything that tells it from others."""
        self._name = name
        self._description = description or name
        self._input_port_defs = list(input_port_defs or [])
        self._output_port_defs = list(output_port_defs or [])
        self._param_defs = list(param_defs or [])
        self._module_execution_type = module_execution_type
        self._allow_reuse = allow_reuse
        self._version = version
        self._module_type = module_type
        self._step_type = step_type
        self._arguments = list(arguments or [])
        self._runconfig = runconfig
        self._cloud_settings = cloud_settings
        self._order_inputs = 0
        if create_sequencing_ports:
            self._output_port_defs.append(OutputPortDef(ORDER_OUTPUT, data_type="AnyFile"))

    name: Field[str] = field("_name", "The name of the kind.")
    description: Field[Optional[str]] = field("_description", "What it does, for people.")
    input_port_defs: Field[List[InputPortDef]] = field("_input_port_defs", "Its inputs.")
    output_port_defs: Field[List[OutputPortDef]] = field("_output_port_defs", "Its outputs.")
    param_defs: Field[List[ParamDef]] = field("_param_defs", "Its parameters.")
    module_execution_type: Field[Optional[str]] = field(
        "_module_execution_type", "What executes it."
    )
    allow_reuse: Field[bool] = field(
        "_allow_reuse", "Whether outputs of an equal earlier step may be reused."
    )
    module_type: Field[Optional[str]] = field("_module_type", "The type of the module.")
    step_type: Field[Optional[str]] = field("_step_type", "The user's word for its kind.")
    runconfig: Field[Any] = field("_runconfig", "How it is run.")
    cloud_settings: Field[Any] = field("_cloud_settings", "Settings of a cloud.")

    def add_fake_sequencing_input_port(self) -> InputPortDef:
        """A further hidden input, through which a node waits for another."""
        port = InputPortDef(f"{ORDER_INPUT}{self._order_inputs}", ["AnyFile"], is_optional=True)
        self._order_inputs += 1
        self._input_port_defs.append(port)
        return port

    def calculate_hash(self) -> str:
        """A digest of the definition: equal for kinds that do the same.

        Which script is run, and where, is not part of a definition; the ports, the parameters
        with their defaults and the arguments are.
        """
        import hashlib
        import json

        inputs = [
            (each.name, each.default_datastore_mode, each.default_path_on_compute, each.data_types)
            for each in self._input_port_defs
            if not each.name.startswith(ORDER_INPUT)
        ]
        outputs = [
            (
                each.name,
                each.default_datastore_name,
                each.default_datastore_mode,
                each.default_path_on_compute,
                each.data_type,
            )
            for each in self._output_port_defs
        ]
        definition = [
            self._name,
            inputs,
            outputs,
            [(each.name, str(each.default_value)) for each in self._param_defs],
            self._allow_reuse,
            self._module_execution_type,
            self._version,
            [str(each) for each in self._arguments],
        ]
        return hashlib.sha256(json.dumps(definition).encode()).hexdigest()


class Module(object):
    """A definition with an id."""

    def __init__(
        self,
        module_id: str,
        module_def: Optional[ModuleDef] = None,
        module_version: Any = None,
        default_version: Optional[str] = None,
    ) -> None:
        """Name a definition."""
        self.id = module_id
        self.module_def = module_def
        self.module_version = module_version
        self._default_version = default_version


class DataSourceDef(object):
    """Data on a datastore, described."""

    def __init__(
        self,
        name: str,
        description: Optional[str] = None,
        data_type_id: Optional[str] = None,
        datastore_name: Optional[str] = None,
        path_on_datastore: Optional[str] = None,
        sql_table: Optional[str] = None,
        sql_query: Optional[str] = None,
        sql_stored_procedure: Optional[str] = None,
        sql_stored_procedure_params: Any = None,
        pipeline_dataset: Any = None,
    ) -> None:
        """Where the data is."""
        self._name = name
        self._description = description or name
        self._data_type_id = data_type_id or "AnyDirectory"
        self.datastore_name = datastore_name
        self.path_on_datastore = path_on_datastore
        self.sql_table = sql_table
        self.sql_query = sql_query
        self.sql_stored_procedure = sql_stored_procedure
        self.sql_stored_procedure_params = sql_stored_procedure_params
        self._pipeline_dataset = pipeline_dataset
        self._output_port_def = OutputPortDef(
            DataSource.DATASOURCE_PORT_NAME, datastore_name, data_type=self._data_type_id
        )

    name: Field[str] = field("_name", "The name of the data.")
    description: Field[Optional[str]] = field("_description", "What it is, for people.")
    data_type_id: Field[str] = field("_data_type_id", "The type of the data.")
    output_port_def: Field[OutputPortDef] = field("_output_port_def", "The port it is read from.")

    def calculate_hash(self) -> str:
        """A digest of the place: equal for equal places."""
        import hashlib

        place = f"{self._name}\n{self.datastore_name}\n{self.path_on_datastore}"
        return hashlib.sha256(place.encode()).hexdigest()

    @staticmethod
    def create_from_data_reference(data_reference: Any) -> DataSourceDef:
        """The place a data reference names."""
        return DataSourceDef(
            data_reference.data_reference_name,
            datastore_name=data_reference.datastore.name,
            path_on_datastore=getattr(data_reference, "sql_table", None)
            or data_reference.path_on_datastore,
        )


class DataSource(object):
    """Described data with an id."""

    DATASOURCE_PORT_NAME = "data"

    def __init__(self, datasource_id: str, datasource_def: DataSourceDef) -> None:
        """Name described data."""
        self.id = datasource_id
        self.datasource_def = datasource_def
