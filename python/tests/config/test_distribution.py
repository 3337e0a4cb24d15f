"""The processes of a run configuration, as the server is sent them."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from azureml._not_yet import NotSupportedYet
from azureml.core import RunConfiguration, ScriptRunConfig
from azureml.core._distribution import distribution
from azureml.core._step_resources import resources
from azureml.core.runconfig import (
    MpiConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from azureml.exceptions import RunConfigurationException
from azureml.pipeline.core import PipelineParameter
from azureml.train.dnn import Gloo, Mpi, ParameterServer, PyTorch, TensorFlow


def script(job: Any) -> RunConfiguration:
    """The run configuration of a script that is distributed so."""
    made: RunConfiguration = ScriptRunConfig(".", "a.py", distributed_job_config=job).run_config
    return made


def asked(run_config: Any, **parameters: Any) -> Dict[str, Any]:
    """What the server is sent: the distribution and the resources together."""
    several = distribution(run_config, parameters)
    task = several.task()["distribution"] if several else {}
    return {**task, **resources(run_config, parameters).get("resources", {})}


MPI, TORCH = {"communicator": "mpi"}, {"communicator": "py_torch"}


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (MpiConfiguration(), MPI),
        (MpiConfiguration(4, 2), {**MPI, "nodes": 2, "processes_per_node": 4}),
        (PyTorchConfiguration("Gloo", node_count=2), {**TORCH, "nodes": 2}),
        (
            PyTorchConfiguration("Nccl", process_count=8, node_count=2),
            {**TORCH, "nodes": 2, "processes_per_node": 4},
        ),
        (
            TensorflowConfiguration(worker_count=2, parameter_server_count=3),
            {
                "communicator": "tensor_flow",
                "parameter_servers": 3,
                "nodes": 2,
                "processes_per_node": 3,
            },
        ),
        (TensorflowConfiguration(2, 0), {"communicator": "tensor_flow", "nodes": 2}),
    ],
)
def test_a_distributed_job_says_how_many_and_how_they_meet(
    job: Any, expected: Dict[str, Any]
) -> None:
    assert asked(script(job)) == expected


def test_a_script_is_one_process_unless_it_asks_for_more() -> None:
    assert distribution(None) is None
    assert distribution(RunConfiguration()) is None
    many = RunConfiguration()
    many.node_count = 3
    assert asked(many) == {**TORCH, "nodes": 3}
    many.communicator = "OpenMpi"
    many.mpi.process_count_per_node = 2
    assert asked(many) == {**MPI, "nodes": 3, "processes_per_node": 2}
    tasks = RunConfiguration(communicator="ParallelTask")
    tasks.paralleltask.worker_count_per_node = 4
    assert asked(tasks) == {"communicator": "independent", "processes_per_node": 4}


def test_estimators_say_the_same() -> None:
    made = PyTorch(".", compute_target="local", process_count_per_node=2, distributed_backend="mpi")
    assert asked(made.run_config) == {**MPI, "processes_per_node": 2}
    made = PyTorch(".", compute_target="local", distributed_training=Gloo())
    assert asked(made.run_config) == TORCH
    made = TensorFlow(
        ".", compute_target="local", distributed_training=ParameterServer(worker_count=2)
    )
    assert asked(made.run_config)["nodes"] == 2
    assert asked(PyTorch(".", compute_target="local", distributed_training=Mpi(3)).run_config) == {
        **MPI,
        "processes_per_node": 3,
    }


def test_pipeline_parameters_give_counts() -> None:
    nodes, each = PipelineParameter("n", 1), PipelineParameter("p", 1)
    made = asked(script(MpiConfiguration()), NodeCount=nodes, MpiProcessCountPerNode=each)
    assert made == {**MPI, "parameters": {"nodes": "n", "processes_per_node": "p"}}
    assert asked(RunConfiguration(), NodeCount=nodes) == {**TORCH, "parameters": {"nodes": "n"}}
    served = asked(
        script(TensorflowConfiguration()),
        NodeCount=nodes,
        TensorflowWorkerCount=each,
        TensorflowParameterServerCount=nodes,
    )
    assert served["parameters"] == {"nodes": "p", "parameter_servers": "n"}


def test_counts_that_make_no_sense_are_refused() -> None:
    with pytest.raises(RunConfigurationException, match="each node has the same number"):
        asked(script(PyTorchConfiguration("Gloo", process_count=3, node_count=2)))
    with pytest.raises(RunConfigurationException, match="node_count is 0"):
        asked(script(MpiConfiguration(1, 0)))
    with pytest.raises(RunConfigurationException, match="communicator is `Carrier`"):
        asked(RunConfiguration(communicator="Carrier"))
    retried = RunConfiguration(communicator="ParallelTask")
    retried.paralleltask.max_retries_per_worker = 2
    with pytest.raises(NotSupportedYet, match="ParallelRunStep"):
        asked(retried)
    parts = script(PyTorchConfiguration("Gloo", process_count=4, node_count=2))
    with pytest.raises(NotSupportedYet, match="leave process_count out"):
        asked(parts, NodeCount=PipelineParameter("n", 2))
