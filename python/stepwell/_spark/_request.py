"""The request of one step, as the server writes it for its worker.

Reading it is pure: texts of the request become typed values.
"""

from __future__ import annotations

import difflib
from typing import Any, Dict, List, Mapping, NamedTuple
from urllib.parse import quote

from stepwell._worker import Failure, Port, Worker


def uri(port: Port) -> str:
    """The URI by which Spark on this machine reads or writes the data of a port.

    Raises:
        Failure: The data is not on this machine.
    """
    if port.local is None:
        raise Failure(
            "storage",
            f"the data `{port.path}` of the datastore `{port.datastore}` is not on this machine",
        )
    return "file://" + quote(port.local)


class Code(NamedTuple):
    """What the step runs: exactly one of three kinds."""

    kind: str
    """`notebook`, `script` or `jar`."""
    path: str
    """The notebook or script; the main class of a JAR."""
    arguments: List[Dict[str, str]]
    """Of a script or a JAR: `{"literal": text}`, `{"input": port}` or `{"output": port}`."""
    parameters: Dict[str, str]
    """Of a notebook: its widgets."""


class Request(NamedTuple):
    """One step to run."""

    run: str
    task: Dict[str, Any]
    code: Code
    inputs: Dict[str, Port]
    outputs: Dict[str, Port]
    state: str
    """A folder that outlives the attempt."""
    files: str
    """The folder of the run's files."""

    @property
    def name(self) -> str:
        """The name of the step."""
        return str(self.task.get("name") or self.run)

    @property
    def app_name(self) -> str:
        """What the application, or the run in a workspace, is called."""
        return str((self.task.get("spark") or {}).get("app_name") or self.name)

    @property
    def libraries(self) -> List[Dict[str, Any]]:
        """The libraries of the step, in the shape of Databricks."""
        return list(self.task.get("libraries") or [])

    @property
    def cluster(self) -> Dict[str, Any]:
        """The cluster that the step asks for."""
        return dict(self.task.get("cluster") or {})

    def resolved(self, uris: Mapping[str, str]) -> List[str]:
        """The arguments as text; `uris` has the URI of each port."""
        return [self._resolve(argument, uris) for argument in self.code.arguments]

    def _resolve(self, argument: Mapping[str, str], uris: Mapping[str, str]) -> str:
        if "literal" in argument:
            return str(argument["literal"])
        port = str(argument.get("input") or argument.get("output"))
        if port not in uris:
            near = difflib.get_close_matches(port, list(uris), 1)
            raise Failure(
                "user_code",
                f"an argument names the port `{port}`, which the step has not",
                hint=f"did you mean `{near[0]}`?" if near else "",
            )
        return uris[port]


def of(worker: Worker) -> Request:
    """The request of a worker.

    Raises:
        Failure: It is incomplete.
    """
    try:
        return Request(
            worker.run,
            worker.task,
            _code(worker.task),
            worker.inputs,
            worker.outputs,
            worker.state,
            worker.files,
        )
    except (KeyError, TypeError, ValueError) as broken:
        raise Failure("internal", f"the request is incomplete: {broken!r}") from broken


def _code(task: Mapping[str, Any]) -> Code:
    code = task["code"]
    kind = code["kind"]
    if kind not in ("notebook", "script", "jar"):
        raise ValueError(f"the kind of code `{kind}`")
    path = code["path"]
    parameters = {str(name): str(value) for name, value in (code.get("parameters") or {}).items()}
    return Code(kind, str(path), list(code.get("arguments") or []), parameters)
