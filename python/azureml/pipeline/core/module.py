"""Modules: parts of pipelines that are published on their own, in versions.

A `Module` is a name; each `ModuleVersion` says what a step made of it does: its ports, its
parameters, its files and its arguments. The server keeps both; a version never changes. Objects
are what the server knew when they were made; `_module_definition` has the form of a version,
`_module_version` the versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

from azureml._fields import Field, field
from azureml.pipeline.core import _module_definition as definitions
from azureml.pipeline.core._module_version import (
    STATUSES,
    ModuleVersion,
    ModuleVersionDescriptor,
    record_of,
)

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["Module", "ModuleVersion", "ModuleVersionDescriptor"]


class Module(object):
    """A part of pipelines that is published on its own.

    Example:
        >>> module = Module.create(workspace, name="trainer", description="Trains the model")
        >>> version = module.publish_python_script(
        ...     "train.py",
        ...     description="first",
        ...     inputs=[InputPortDef("data")],
        ...     outputs=[OutputPortDef("model")],
        ...     params={"rate": 0.1},
        ...     source_directory="src",
        ... )
        >>> version.version
        '1'
    """

    def __init__(
        self,
        workspace: Workspace,
        module_id: str,
        name: str,
        description: str,
        status: str,
        default_version: Optional[str],
        module_version_list: List[Any],
        _module_provider: Any = None,
        _module_version_provider: Any = None,
    ) -> None:
        """A module; the server is not asked whether it exists. Use `create` or `get`."""
        self._workspace = workspace
        self._id = module_id
        self._name = name
        self._description = description
        self._status = status
        self._default_version = default_version
        self._versions = list(module_version_list or [])

    id: Field[str] = field("_id", "Its id.")
    name: Field[str] = field("_name", "Its name.")
    description: Field[str] = field("_description", "A description for people.")
    status: Field[str] = field("_status", "`Active`, `Deprecated` or `Disabled`.")
    default_version: Field[Optional[str]] = field(
        "_default_version", "The version that a step gets which names none."
    )

    @classmethod
    def _of(cls, workspace: Workspace, record: Mapping[str, Any]) -> Module:
        return cls(
            workspace,
            str(record["id"]),
            record["name"],
            record["description"],
            STATUSES[record["status"]],
            record["default_version"],
            [ModuleVersionDescriptor(each["version"], each["id"]) for each in record["versions"]],
        )

    @staticmethod
    def create(
        workspace: Workspace, name: str, description: str, _workflow_provider: Any = None
    ) -> Module:
        """Make a module without versions.

        Raises:
            Exception: There is one of that name.
        """
        body = {"name": name, "description": description or ""}
        return Module._of(workspace, workspace._client.post("/modules", body))

    @staticmethod
    def get(
        workspace: Workspace,
        module_id: Optional[str] = None,
        name: Optional[str] = None,
        _workflow_provider: Any = None,
    ) -> Module:
        """The module of an id or of a name.

        Raises:
            Exception: There is none, or neither was given.
        """
        wanted = module_id or name
        if not wanted:
            raise Exception("Module.get needs a module_id or a name")
        return Module._of(workspace, record_of(workspace, wanted))

    @staticmethod
    def get_versions(
        workspace: Workspace, name: str, _workflow_provider: Any = None
    ) -> List[ModuleVersionDescriptor]:
        """The versions of the module of a name."""
        return Module.get(workspace, name=name).module_version_list()

    @staticmethod
    def process_source_directory(
        name: str, source_directory: str, script_name: str
    ) -> Tuple[str, str]:
        """The absolute folder and the script of a module; both must exist.

        Raises:
            ValueError: One does not.
        """
        return definitions.source(name, source_directory, script_name)

    @staticmethod
    def module_def_builder(
        name: str,
        description: str,
        execution_type: str,
        input_bindings: List[Any],
        output_bindings: List[Any],
        param_defs: Optional[List[Any]] = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        module_type: Optional[str] = None,
        step_type: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        runconfig: Any = None,
        cloud_settings: Any = None,
    ) -> Any:
        """The definition of a node, of descriptions of its ports."""
        from azureml.pipeline.core._definitions import ModuleDef

        return ModuleDef(
            name,
            description,
            list(input_bindings),
            list(output_bindings),
            param_defs,
            execution_type,
            create_sequencing_ports,
            allow_reuse,
            version,
            module_type,
            step_type,
            arguments,
            runconfig,
            cloud_settings,
        )

    # Versions.

    def module_version_list(self) -> List[ModuleVersionDescriptor]:
        """Its versions in the order in which they were published."""
        return list(self._versions)

    def publish(
        self,
        description: str,
        execution_type: str,
        inputs: List[Any],
        outputs: List[Any],
        param_defs: Optional[List[Any]] = None,
        create_sequencing_ports: bool = True,
        version: Optional[str] = None,
        is_default: bool = False,
        content_path: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
        category: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        runconfig: Any = None,
    ) -> ModuleVersion:
        """Publish a version of any kind.

        Args:
            description: A description for people.
            execution_type: `escloud` for a script, `adlcloud` or `AzureBatchCloud`; a step can be
                made of the first.
            inputs: `InputPortDef`s.
            outputs: `OutputPortDef`s.
            param_defs: Parameters: `ParamDef`s, or defaults by name.
            create_sequencing_ports: Recorded; steps can always wait for one another.
            version: Its version, new in the module; the next whole number when `None`.
            is_default: Whether it becomes the default version.
            content_path: The folder of its files.
            hash_paths: Deprecated in v1; has no effect.
            category: A word by which modules are grouped.
            arguments: Of ports, pipeline parameters and texts.
            runconfig: A `RunConfiguration`.

        Raises:
            Exception: The module has that version, or an argument is of another kind.
        """
        made = definitions.definition(
            self._workspace,
            execution_type,
            inputs,
            outputs,
            param_defs,
            arguments,
            runconfig,
            content_path,
        )
        return self._publish(made, description, version, is_default, category)

    def publish_python_script(
        self,
        script_name: str,
        description: str,
        inputs: List[Any],
        outputs: List[Any],
        params: Optional[Mapping[str, Any]] = None,
        create_sequencing_ports: bool = True,
        version: Optional[str] = None,
        is_default: bool = False,
        source_directory: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
        category: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        runconfig: Any = None,
    ) -> ModuleVersion:
        """Publish a version that runs a Python script; arguments as of `publish`.

        Raises:
            ValueError: There is no such script.
            TypeError: There is no source directory.
        """
        folder, script = definitions.source(self._name, source_directory, script_name)
        made = definitions.definition(
            self._workspace, "escloud", inputs, outputs, params, arguments, runconfig, folder
        )
        made["script"] = script
        return self._publish(made, description, version, is_default, category)

    def publish_adla_script(
        self,
        script_name: str,
        description: str,
        inputs: List[Any],
        outputs: List[Any],
        params: Optional[Mapping[str, Any]] = None,
        create_sequencing_ports: bool = True,
        degree_of_parallelism: Optional[int] = None,
        priority: Optional[int] = None,
        runtime_version: Optional[str] = None,
        compute_target: Any = None,
        version: Optional[str] = None,
        is_default: bool = False,
        source_directory: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
        category: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
    ) -> ModuleVersion:
        """Publish a version that is a U-SQL script; a step cannot be made of it yet."""
        folder, script = definitions.source(self._name, source_directory, script_name)
        made = definitions.definition(
            self._workspace, "adlcloud", inputs, outputs, params, arguments, None, folder
        )
        made.update(
            script=script,
            degree_of_parallelism=degree_of_parallelism,
            priority=priority,
            runtime_version=runtime_version,
            compute_target=getattr(compute_target, "name", compute_target),
        )
        return self._publish(made, description, version, is_default, category)

    def publish_azure_batch(
        self,
        description: str,
        compute_target: Any,
        inputs: List[Any],
        outputs: List[Any],
        params: Optional[Mapping[str, Any]] = None,
        create_sequencing_ports: bool = True,
        version: Optional[str] = None,
        is_default: bool = False,
        create_pool: bool = False,
        pool_id: Optional[str] = None,
        delete_batch_job_after_finish: bool = False,
        delete_batch_pool_after_finish: bool = False,
        is_positive_exit_code_failure: bool = True,
        vm_image_urn: str = "urn:MicrosoftWindowsServer:WindowsServer:2012-R2-Datacenter",
        run_task_as_admin: bool = False,
        target_compute_nodes: int = 1,
        vm_size: str = "standard_d1_v2",
        executable: Optional[str] = None,
        source_directory: Optional[str] = None,
        category: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
    ) -> ModuleVersion:
        """Publish a version that starts an executable; a step cannot be made of it yet."""
        made = definitions.definition(
            self._workspace,
            "AzureBatchCloud",
            inputs,
            outputs,
            params,
            arguments,
            None,
            source_directory,
        )
        made.update(
            executable=executable,
            is_positive_exit_code_failure=is_positive_exit_code_failure,
            compute_target=getattr(compute_target, "name", compute_target),
        )
        return self._publish(made, description, version, is_default, category)

    def _publish(
        self,
        made: Dict[str, Any],
        description: str,
        version: Optional[str],
        is_default: bool,
        category: Optional[str],
    ) -> ModuleVersion:
        body = {
            "version": None if version is None else str(version),
            "description": description or "",
            "category": category,
            "definition": made,
            "is_default": bool(is_default),
        }
        path = f"/modules/{self._id}/versions"
        record = self._workspace._client.post(path, body)
        self._take(record_of(self._workspace, self._id))
        return ModuleVersion._of(self._workspace, record)

    def resolve(self, version: Optional[str] = None) -> ModuleVersion:
        """The version that a step gets.

        That of the exact name, even if it is disabled; for any other name or none the default
        version, else the highest of the enabled ones that are dotted numbers, else the one that
        changed last.

        Raises:
            IndexError: There is none that is not disabled.
        """
        record = record_of(self._workspace, self._id)
        chosen = definitions.resolved(record["versions"], record["default_version"], version)
        return ModuleVersion._of(self._workspace, chosen)

    def get_default_version(self) -> Optional[str]:
        """The default version."""
        version: Optional[str] = record_of(self._workspace, self._id)["default_version"]
        return version

    def set_default_version(self, version_id: str) -> None:
        """Choose the default version.

        Raises:
            Exception: The module has no such version.
        """
        if version_id is None:
            raise Exception("set_default_version needs a version")
        self._take(self._change(default_version=str(version_id)))

    def get_default(self) -> Optional[ModuleVersion]:
        """The default version as an object; `None` when there is none."""
        version = self.get_default_version()
        return None if version is None else self.resolve(version)

    # The module itself.

    def enable(self) -> None:
        """Let it be used."""
        self._take(self._change(status="active"))

    def disable(self) -> None:
        """Let it be used no more."""
        self._take(self._change(status="disabled"))

    def deprecate(self) -> None:
        """Mark that its users should look for another."""
        self._take(self._change(status="deprecated"))

    def set_name(self, name: str) -> None:
        """Rename it at the server; this object keeps the old name, as in v1."""
        if name is None:
            raise Exception("set_name needs a name")
        self._change(name=name)

    def set_description(self, description: str) -> None:
        """Describe it anew at the server; this object keeps the old text, as in v1."""
        if description is None:
            raise Exception("set_description needs a description")
        self._change(description=description)

    def _change(self, **values: Any) -> Dict[str, Any]:
        path = f"/modules/{self._id}"
        record: Dict[str, Any] = self._workspace._client.patch(path, values)
        return record

    def _take(self, record: Mapping[str, Any]) -> None:
        """Take over what can be seen to change."""
        known = Module._of(self._workspace, record)
        self._status, self._default_version = known._status, known._default_version
        self._versions = known._versions

    def __str__(self) -> str:
        """Its name, id, status and default version."""
        return (
            f"Module(Name: {self._name}, Id: {self._id}, Status: {self._status}, Default "
            f"version: {self._default_version})"
        )

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)
