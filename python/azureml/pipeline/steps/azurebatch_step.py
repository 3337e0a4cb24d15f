"""`AzureBatchStep`: a step that starts an executable, as a task of Azure Batch did.

Here it is one process on the step's own target: inputs lie in `./<input>/`, outputs are the folders
`./<output>/`, made before it starts (`stepwell._batch`). Pools and machines have no effect.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from azureml.pipeline.core._arguments import InputToken, OutputToken, TextToken, Token
from azureml.pipeline.core._data_kinds import is_a
from azureml.pipeline.core._program_work import ProgramWork
from azureml.pipeline.core._task_context import TaskContext
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep

DEFAULT_IMAGE = "urn:MicrosoftWindowsServer:WindowsServer:2012-R2-Datacenter"
WINDOWS = (".bat", ".cmd", ".exe")
# Settings that choose a pool or a machine, with the values that say nothing.
WITHOUT_EFFECT: Dict[str, Any] = {
    "create_pool": False,
    "pool_id": None,
    "delete_batch_job_after_finish": True,
    "delete_batch_pool_after_finish": False,
    "vm_image_urn": DEFAULT_IMAGE,
    "run_task_as_admin": False,
    "target_compute_nodes": 1,
    "vm_size": "standard_d1_v2",
}
# What stands for the place of a port in the arguments of the executable.
INPUT_MARK, OUTPUT_MARK = "{input:%s}", "{output:%s}"


class BatchWork(NamedTuple):
    """An executable with its inputs and outputs laid out around it."""

    program: ProgramWork
    """What is started, with the arguments of the executable."""
    executable: str
    inputs: List[str]
    outputs: List[str]
    is_positive_exit_code_failure: bool

    @property
    def target(self) -> str:
        """The name of the compute target."""
        return self.program.target

    def wire(self, context: TaskContext) -> Dict[str, Any]:
        """The task as the server takes it: a program of the SDK's own."""
        words: List[Token] = [TextToken("-m"), TextToken("stepwell._batch")]
        for name in self.inputs:
            words += [TextToken("--input"), TextToken(name), InputToken(name)]
        for name in self.outputs:
            words += [TextToken("--output"), TextToken(name), OutputToken(name)]
        if not self.is_positive_exit_code_failure:
            words.append(TextToken("--ignore-exit-code"))
        words += [TextToken("--"), TextToken(self.executable)]
        words += [_marked(token) for token in self.program.arguments]
        return self.program._replace(arguments=words).wire(context)


class AzureBatchStep(PipelineStep):
    """A step that starts an executable among its files."""

    def __init__(
        self,
        name: str,
        create_pool: bool = False,
        pool_id: Optional[str] = None,
        delete_batch_job_after_finish: bool = True,
        delete_batch_pool_after_finish: bool = False,
        is_positive_exit_code_failure: bool = True,
        vm_image_urn: str = DEFAULT_IMAGE,
        run_task_as_admin: bool = False,
        target_compute_nodes: int = 1,
        vm_size: str = "standard_d1_v2",
        source_directory: Optional[str] = None,
        executable: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        allow_reuse: bool = True,
        compute_target: Any = None,
        version: Optional[str] = None,
    ) -> None:
        """A step that starts `executable`.

        Args:
            name: The step's name.
            create_pool: Recorded, as all settings of pools and machines are.
            pool_id: Recorded.
            delete_batch_job_after_finish: Recorded.
            delete_batch_pool_after_finish: Recorded.
            is_positive_exit_code_failure: Whether an exit code above 0 is a failure.
            vm_image_urn: Recorded; `urn:publisher:offer:sku`.
            run_task_as_admin: Recorded.
            target_compute_nodes: Recorded.
            vm_size: Recorded.
            source_directory: The folder with the executable and its files.
            executable: A file of the folder, or a program of the machine.
            arguments: Its arguments; data objects stand for their places below the folder.
            inputs: What it reads: each is `./<input>/<file>`.
            outputs: What it writes: each is the folder `./<output>/`.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            compute_target: Where it runs: a name or a BatchCompute.
            version: The user's own mark of the step's version.

        Raises:
            ValueError: The compute target or the executable is missing, or runs on Windows only.
            TypeError: The image is not written as a URN.
        """
        if not executable:
            raise ValueError("an AzureBatchStep needs an executable")
        if compute_target is None:
            raise ValueError("an AzureBatchStep needs a compute_target")
        parts = str(vm_image_urn).split(":")
        if len(parts) != 4 or parts[0] != "urn" or not all(parts):
            raise TypeError(
                "urn format is incorrect, expected format: 'urn:publisher:offer:sku', not "
                f"{vm_image_urn!r}"
            )
        if executable.lower().endswith(WINDOWS):
            raise ValueError(
                f"`{executable}` runs on Windows only; name a program or a script for this machine"
            )
        given = locals()
        self._ignored = [
            setting for setting, default in WITHOUT_EFFECT.items() if given[setting] != default
        ]
        self._executable = executable
        self._is_failure = is_positive_exit_code_failure
        self._source_directory = source_directory
        self._compute_target = compute_target
        self._allow_reuse = allow_reuse
        self._version = version
        super().__init__(name, inputs, outputs, arguments, True)

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Raises:
            ValueError: The source directory does not exist.
        """
        if self._ignored:
            print("Step {}: {} have no effect here.".format(self.name, ", ".join(self._ignored)))
        folder = self.get_source_directory(context, self._source_directory, None)
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        arguments = self.resolve_input_arguments(self._arguments, inputs, outputs, {})
        definition = self.create_module_def(
            "AzureBatchCloud",
            inputs,
            outputs,
            [],
            allow_reuse=self._allow_reuse,
            version=self._version,
            arguments=arguments,
        )
        node = graph.add_module_node(
            self.name, inputs, outputs, {}, module_builder=ModuleBuilder(definition, folder)
        )
        graph._add_parameters(self._implicit_parameters)
        target = self._compute_target
        program = ProgramWork(
            {"command": "python"},
            arguments,
            folder,
            None,
            str(target.name if is_a(target, "BatchCompute") else target),
        )
        node._work = BatchWork(
            program,
            self._executable,
            [each.name for each in inputs],
            [each.name for each in outputs],
            self._is_failure,
        )
        return node


def _marked(token: Token) -> Token:
    """An argument of the executable; the place of a port is below the working directory."""
    if isinstance(token, InputToken):
        return TextToken(INPUT_MARK % token.text)
    if isinstance(token, OutputToken):
        return TextToken(OUTPUT_MARK % token.text)
    return token
