"""How the processes of a distributed estimator find each other.

What is described here reaches the run configuration; whether a target can start several processes
is decided when the run is submitted.
"""

from __future__ import annotations


class _DistributedTraining(object):
    """A way to distribute training."""

    name = ""

    def validate(self, estimator_name: str) -> None:
        """Accept the estimator; `_estimator_settings` checks which ways it has."""

    def __str__(self) -> str:
        """The name of the way."""
        return self.name


class Mpi(_DistributedTraining):
    """Processes that MPI starts."""

    name = "mpi"

    def __init__(self, process_count_per_node: int = 1) -> None:
        """MPI with a number of processes on each node."""
        self.process_count_per_node = process_count_per_node

    def __str__(self) -> str:
        """`mpi`."""
        return self.name


class ParameterServer(_DistributedTraining):
    """Workers and parameter servers of TensorFlow."""

    name = "ps"

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        """A number of workers and one of servers."""
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count

    def __str__(self) -> str:
        """`ps`."""
        return self.name


class Gloo(_DistributedTraining):
    """PyTorch's processes with Gloo between them."""

    name = "gloo"

    def __init__(self) -> None:
        """Gloo."""

    def __str__(self) -> str:
        """`gloo`."""
        return self.name


class Nccl(_DistributedTraining):
    """PyTorch's processes with NCCL between them."""

    name = "nccl"

    def __init__(self) -> None:
        """NCCL."""

    def __str__(self) -> str:
        """`nccl`."""
        return self.name
