"""Compute targets: found, created, attached, changed and taken away."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from config_workspace import KeepingWorkspace

from azureml._not_yet import NotSupportedYet
from azureml.core.compute import (
    AksCompute,
    AmlCompute,
    ComputeInstance,
    ComputeTarget,
    DatabricksCompute,
    KustoCompute,
    RemoteCompute,
)
from azureml.exceptions import ComputeTargetException


def found_or_created(workspace: Any, name: str) -> ComputeTarget:
    """What every tutorial begins with."""
    try:
        return ComputeTarget(workspace=workspace, name=name)
    except ComputeTargetException:
        configuration = AmlCompute.provisioning_configuration(
            vm_size="STANDARD_D2_V2", min_nodes=1, max_nodes=4
        )
        target = ComputeTarget.create(workspace, name, configuration)
        target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
        return target


def test_a_tutorial_creates_its_cluster_once_and_finds_it_afterwards(
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace = KeepingWorkspace()
    for target in (found_or_created(workspace, "mine"), found_or_created(workspace, "mine")):
        assert isinstance(target, AmlCompute)
        assert (target.name, target.type, target.vm_size) == (
            "mine",
            "AmlCompute",
            "STANDARD_D2_V2",
        )
        status = target.get_status().serialize()
        assert status["scaleSettings"]["maxNodeCount"] == 4
        assert status["provisioningState"] == "Succeeded"
    assert capsys.readouterr().out == "Compute target mine: Succeeded\n"
    with pytest.raises(ComputeTargetException, match="is a AmlCompute, not a ComputeInstance"):
        ComputeInstance(workspace, "mine")
    found_or_created(workspace, "mine").delete()
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        ComputeTarget(workspace, "mine")


def test_on_an_embedded_server_a_name_that_nobody_created_is_this_machine(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from azureml.core import Workspace

    workspace = Workspace.from_config()
    found = [
        workspace.compute_targets["standin-cluster"],
        ComputeTarget(workspace, "standin-cluster"),
        AmlCompute(workspace=workspace, name="standin-cluster"),
        workspace.compute_targets.get("standin-cluster"),
    ]
    assert {(type(each), each.name) for each in found} == {(AmlCompute, "standin-cluster")}
    assert "standin-cluster" in workspace.compute_targets
    assert workspace.get_default_compute_target("CPU").name == "cpu-cluster"
    assert workspace.get_default_compute_target("gpu").name == "gpu-cluster"
    assert "standin-cluster" not in list(workspace.compute_targets)
    out = capsys.readouterr().out
    notice = "Compute target standin-cluster is not defined; its steps run on this machine.\n"
    assert out.count("standin-cluster") == 1 and notice in out
    sizes = {each["name"].upper(): each for each in AmlCompute.supported_vmsizes(workspace)}
    assert sizes[found[0].vm_size]["gpus"] == 0 < sizes[found[0].vm_size]["vCPUs"]
    assert sizes[workspace.get_default_compute_target("GPU").vm_size]["gpus"] == 1
    assert found[0].scale_settings.maximum_node_count == 2
    found[0].wait_for_completion(show_output=False)
    assert found[0].get_status().serialize()["provisioningState"] == "Succeeded"
    found[0].delete()


def test_what_must_be_attached_is_not_found_before(project: Path) -> None:
    from azureml.core import Workspace

    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        DatabricksCompute(Workspace.from_config(), "bricks")


def test_on_a_shared_server_a_name_that_nobody_created_is_refused() -> None:
    workspace = KeepingWorkspace()
    found_or_created(workspace, "cpu-cluster")
    with pytest.raises(ComputeTargetException, match="did you mean `cpu-cluster`"):
        ComputeTarget(workspace, "cpu-clustr")


def test_a_size_is_changed_and_the_rest_stays() -> None:
    workspace = KeepingWorkspace()
    target = found_or_created(workspace, "mine")
    assert isinstance(target, AmlCompute)
    target.update(max_nodes=8)
    again = AmlCompute(workspace, "mine")
    scale = again.scale_settings
    assert (scale.minimum_node_count, scale.maximum_node_count) == (1, 8)
    assert again.vm_size == "STANDARD_D2_V2"


def test_secrets_never_leave_the_program_but_a_token_that_is_sealed() -> None:
    workspace = KeepingWorkspace()
    secrets = {"password": "hush", "private_key_passphrase": "hush"}
    RemoteCompute.attach(workspace, "vm", "me", "10.0.0.1", **secrets)  # type: ignore[arg-type]
    DatabricksCompute.attach(workspace, "spark", "/subscriptions/x", "hush")
    kusto = KustoCompute.attach_configuration("rg", "ws", None, "t", "hush", "app", "hush")
    ComputeTarget.attach(workspace, "kusto", kusto)
    cluster = AmlCompute.provisioning_configuration(admin_user_password="hush")
    ComputeTarget.create(workspace, "cluster", cluster)
    assert "hush" not in str(workspace.settings)
    assert workspace._client.secrets == {"databricks-token-spark": "hush"}
    remote = ComputeTarget(workspace, "vm")
    assert isinstance(remote, RemoteCompute)
    assert (remote.is_attached, vars(remote)["address"]) == (True, "10.0.0.1")
    assert sorted(type(each).__name__ for each in ComputeTarget.list(workspace)) == [
        "AmlCompute",
        "DatabricksCompute",
        "KustoCompute",
        "RemoteCompute",
    ]


def test_a_target_survives_being_copied_and_described() -> None:
    workspace = KeepingWorkspace()
    target = found_or_created(workspace, "mine")
    assert copy.copy(target).name == "mine"
    described = ComputeTarget.deserialize(workspace, target.serialize())
    assert described.serialize() == target.serialize()


def test_only_attached_targets_are_detached() -> None:
    workspace = KeepingWorkspace()
    with pytest.raises(ComputeTargetException, match="delete it"):
        found_or_created(workspace, "mine").detach()
    RemoteCompute.attach(workspace, "vm", "me", "10.0.0.1", password="p").detach()
    assert [each.name for each in ComputeTarget.list(workspace)] == ["mine"]


@pytest.mark.parametrize(
    "configuration",
    [
        AmlCompute.provisioning_configuration(min_nodes=3, max_nodes=2),
        AmlCompute.provisioning_configuration(vm_priority="urgent"),
        ComputeInstance.provisioning_configuration(ssh_public_access=True),
        RemoteCompute.attach_configuration("me", address="10.0.0.1"),
        RemoteCompute.attach_configuration("me", address="a", resource_id="b", password="p"),
        DatabricksCompute.attach_configuration(resource_group="only"),
        object(),
    ],
)
def test_a_configuration_that_contradicts_itself_creates_nothing(configuration: Any) -> None:
    workspace = KeepingWorkspace()
    with pytest.raises(ComputeTargetException):
        ComputeTarget.create(workspace, "mine", configuration)
    assert workspace.settings == []


@pytest.mark.parametrize("name", ["", "9lives", "a/b", "with space", None])
def test_a_name_that_no_target_can_have_is_refused(name: Any) -> None:
    with pytest.raises(ComputeTargetException, match="cannot name a compute target"):
        ComputeTarget.create(KeepingWorkspace(), name, AmlCompute.provisioning_configuration())


def test_serving_models_is_not_there_yet() -> None:
    with pytest.raises(NotSupportedYet, match="AksCompute is not there yet"):
        AksCompute.provisioning_configuration()
