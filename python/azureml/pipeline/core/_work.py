"""What a node does when it runs: the protocol that every kind of step keeps.

A kind of step is one file. Its step class, in `azureml.pipeline.steps`, checks what a program
passes and gives its node a work object. That object has two parts:

- `target`: the name of the compute target (and `trial_target`, if what it starts runs elsewhere);
- `wire(context)`: the task as the server takes it, a `dict` with its `type`, called once when the
  pipeline is submitted or published. Nothing is pushed or resolved before.

What a task holds beside `type` is the kind's own affair; no other module of the SDK knows it. The
`TaskContext` gives what most kinds need: `arguments`, `value` (a text, or the pipeline parameter
that gives it), `variables`, `environment` and `snapshot`. A kind without files, arguments or an
environment leaves those fields out.

The first two kinds are `_program_work.ProgramWork` (scripts and commands) and
`_parallel_work.ParallelWork` (one script over many mini-batches).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

from azureml.pipeline.core._definitions import ModuleDef

if TYPE_CHECKING:
    from typing import Protocol

    from azureml.pipeline.core._task_context import TaskContext

    class Work(Protocol):
        """What a node does, as far as it is known when the pipeline is built."""

        @property
        def target(self) -> str:
            """The name of the compute target."""

        def wire(self, context: TaskContext) -> Dict[str, Any]:
            """The task as the server takes it."""


class ModuleBuilder(object):
    """A definition on its way to a node, with the folder its files come from."""

    def __init__(self, module_def: ModuleDef, snapshot_root: Optional[str] = None) -> None:
        """Keep a definition and its folder together."""
        self.module_def = module_def
        self.snapshot_root = snapshot_root
