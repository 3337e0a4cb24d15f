"""A program that is several processes: how many a run configuration asks for, and how they meet.

v1 says it in several places, by the communicator: `mpi`, `pytorch`, `tensorflow` or `paralleltask`
of the configuration, and its `node_count`. The server is sent how many nodes there are, how many
processes on each, and in which way they find each other.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional

from azureml._not_yet import not_yet
from azureml.exceptions import RunConfigurationException

COMMUNICATORS = {
    "mpi": "mpi",
    "intelmpi": "mpi",
    "openmpi": "mpi",
    "nccl": "py_torch",
    "gloo": "py_torch",
    "parameterserver": "tensor_flow",
    "paralleltask": "independent",
    "none": None,
}
# The counts that a pipeline parameter may give, as v1 and as the server call them.
PARAMETERS = {
    "NodeCount": "nodes",
    "MpiProcessCountPerNode": "processes_per_node",
    "TensorflowWorkerCount": "nodes",
    "TensorflowParameterServerCount": "parameter_servers",
}
# Those that go with one communicator only.
OF_ONE = {
    "MpiProcessCountPerNode": "mpi",
    "TensorflowWorkerCount": "tensor_flow",
    "TensorflowParameterServerCount": "tensor_flow",
}


class Distribution(NamedTuple):
    """The processes of a program that is several."""

    communicator: str
    nodes: int
    processes_per_node: int
    parameter_servers: int
    parameters: Dict[str, str]
    """The counts that pipeline parameters give, by the parameter's name."""

    def task(self) -> Dict[str, Any]:
        """The part of a task that says how the processes find each other."""
        made: Dict[str, Any] = {"communicator": self.communicator}
        if self.parameter_servers:
            made["parameter_servers"] = self.parameter_servers
        if self.parameters:
            made["parameters"] = self.parameters
        return {"distribution": made}

    def counts(self) -> Dict[str, int]:
        """The part of a step's resources that says how many there are."""
        counts = {"nodes": self.nodes, "processes_per_node": self.processes_per_node}
        return {name: count for name, count in counts.items() if count != 1}


def distribution(run_config: Any, parameters: Mapping[str, Any] = {}) -> Optional[Distribution]:
    """The processes that a run configuration asks for; `None` for a program that is one.

    Args:
        run_config: The run configuration, or `None`.
        parameters: The pipeline parameters that give settings of it, by v1's names of the settings.

    Raises:
        RunConfigurationException: The counts contradict each other, or the communicator is none.
    """
    word = str(getattr(run_config, "communicator", None) or "none")
    if word.lower() not in COMMUNICATORS:
        raise RunConfigurationException(
            f"communicator is `{word}`; it can be Mpi, IntelMpi, OpenMpi, Nccl, Gloo, "
            "ParameterServer, "
            "ParallelTask or None"
        )
    communicator = COMMUNICATORS[word.lower()]
    nodes = _count("node_count", getattr(run_config, "node_count", None))
    if communicator is None:
        # The script runs once on each node.
        if nodes == 1 and "NodeCount" not in parameters:
            return None
        communicator = "py_torch"
        return Distribution(communicator, nodes, 1, 0, _named(parameters, communicator))
    nodes, each, servers = _counts(communicator, run_config, nodes)
    if communicator == "py_torch" and each > 1 and "NodeCount" in parameters:
        not_yet(
            "process_count is the number of all processes, and a pipeline parameter gives the "
            "nodes, which is not there yet; leave process_count out, or give node_count as a number"
        )
    return Distribution(communicator, nodes, each, servers, _named(parameters, communicator))


def _counts(communicator: str, run_config: Any, nodes: int) -> Any:
    """The nodes, the processes of each, and those that serve parameters."""
    if communicator == "mpi":
        section = run_config.mpi
        nodes = _nodes(nodes, section)
        name = "process_count_per_node"
        return nodes, _count(name, getattr(section, name, None)), 0
    if communicator == "py_torch":
        section = run_config.pytorch
        nodes = _nodes(nodes, section)
        every = _count("process_count", getattr(section, "process_count", None), nodes)
        if every % nodes:
            raise RunConfigurationException(
                f"process_count is {every}, and node_count {nodes}: it counts the "
                "processes of all nodes, and "
                "each node has the same number of them"
            )
        return nodes, every // nodes, 0
    if communicator == "tensor_flow":
        section = run_config.tensorflow
        workers = _count("worker_count", section.worker_count)
        servers = int(section.parameter_server_count or 0)
        return workers, 1 + -(-servers // workers), servers
    section = run_config.paralleltask
    if section.max_retries_per_worker or section.terminal_exit_codes:
        not_yet(
            "retries of single tasks are not there yet; leave max_retries_per_worker and "
            "terminal_exit_codes out, or use a ParallelRunStep"
        )
    name = "worker_count_per_node"
    return nodes, _count(name, getattr(section, name, None)), 0


def _named(parameters: Mapping[str, Any], communicator: str) -> Dict[str, str]:
    """The parameters that count with such a communicator; the more special one wins."""
    made: Dict[str, str] = {}
    for setting, word in PARAMETERS.items():
        if setting in parameters and OF_ONE.get(setting, communicator) == communicator:
            made[word] = parameters[setting].name
    return made


def _nodes(nodes: int, section: Any) -> int:
    """The nodes that a configuration asks for, or else those of its section."""
    return nodes if nodes > 1 else _count("node_count", getattr(section, "node_count", None))


def _count(name: str, count: Any, otherwise: int = 1) -> int:
    number = otherwise if count is None else int(count)
    if number < 1:
        raise RunConfigurationException(f"{name} is {count}; it is 1 or more")
    return number
