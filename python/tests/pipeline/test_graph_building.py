"""How steps become a graph: which nodes there are, what waits for what, what is refused."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Set, Tuple

import pytest
from fakes import FakeWorkspace

from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import (
    Pipeline,
    PipelineData,
    PipelineParameter,
    StepSequence,
)
from azureml.pipeline.core.graph import Graph, ModuleNode
from azureml.pipeline.steps import PythonScriptStep


def step(name: str, reads: Iterable[Any] = (), writes: Iterable[Any] = (), **kwargs: Any) -> Any:
    return PythonScriptStep("s.py", name, inputs=list(reads), outputs=list(writes), **kwargs)


def steps(names: str) -> List[Any]:
    return [step(name) for name in names]


def waits(graph: Graph) -> Set[Tuple[str, str]]:
    """Pairs of names: the second waits for the first."""
    return {
        (edge.source_port.node.name, edge.dest_port.node.name)
        for edge in graph.edges
        if isinstance(edge.source_port.node, ModuleNode)
    }


def built(workspace: FakeWorkspace, what: Any, **kwargs: Any) -> Graph:
    return Pipeline(workspace, what, **kwargs).graph


def names(graph: Graph) -> List[str]:
    return sorted(node.name for node in graph.module_nodes)


def test_data_makes_an_edge_from_the_step_that_writes_to_the_one_that_reads(
    workspace: FakeWorkspace,
) -> None:
    data = PipelineData("data", output_name="out")
    graph = built(workspace, [step("a", [], [data]), step("b", [data.as_mount("mine")])])
    (edge,) = graph.edges
    assert (edge.source_port.name, edge.dest_port.name) == ("out", "mine")
    assert waits(graph) == {("a", "b")}


def test_a_reader_pulls_in_the_steps_it_needs_however_far_away(workspace: FakeWorkspace) -> None:
    first, second = PipelineData("first"), OutputFileDatasetConfig("second")
    step("a", [], [first])
    step("b", [first], [second])
    graph = built(workspace, step("c", [second]))
    assert waits(graph) == {("a", "b"), ("b", "c")}


def test_run_after_pulls_in_the_earlier_step_and_orders_the_two(workspace: FakeWorkspace) -> None:
    earlier, later = steps("ab")
    assert later.run_after(earlier) is None
    graph = built(workspace, [later])
    assert waits(graph) == {("a", "b")}
    port = graph.edges[0].dest_port
    assert port.name == "_run_after_input_0" and port.input_port_def.is_optional
    assert graph.edges[0].source_port.name == "_run_after_output"


def test_without_closure_a_missing_producer_is_an_error_without_text(
    workspace: FakeWorkspace,
) -> None:
    data = PipelineData("data")
    step("a", [], [data])
    with pytest.raises(ValueError) as caught:
        Pipeline(workspace, [step("b", [data])], resolve_closure=False)
    assert str(caught.value) == ""


def test_a_sequence_lets_each_group_wait_for_all_of_the_one_before(
    workspace: FakeWorkspace,
) -> None:
    w, x, y, z = steps("wxyz")
    graph = built(workspace, StepSequence(steps=[w, [x, y], z]))
    assert waits(graph) == {("w", "x"), ("w", "y"), ("x", "z"), ("y", "z")}


def test_what_a_nested_collection_adds_is_one_group(workspace: FakeWorkspace) -> None:
    a, b, c, d = steps("abcd")
    graph = built(workspace, StepSequence([StepSequence([a, b]), [[c]], d]))
    assert waits(graph) == {("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")}


def test_a_list_runs_side_by_side_and_may_nest(workspace: FakeWorkspace) -> None:
    data = PipelineData("data")
    a, b, c = step("a", [], [data]), step("b"), step("c")
    graph = built(workspace, [data, [b, [c, a]]])
    assert names(graph) == ["a", "b", "c"] and waits(graph) == set()


def test_one_object_is_one_node_and_two_objects_may_share_a_name(
    workspace: FakeWorkspace,
) -> None:
    a, other = step("a"), step("a")
    graph = built(workspace, [a, a, other])
    assert names(graph) == ["a", "a"]
    assert len(graph.node_name_dict["a"]) == 2


def test_an_empty_list_is_a_pipeline(workspace: FakeWorkspace) -> None:
    assert built(workspace, []).nodes == []
    assert Pipeline(workspace, []).validate() == []


def test_a_place_on_a_datastore_is_one_node_for_all_who_read_it(workspace: FakeWorkspace) -> None:
    from azureml.data.data_reference import DataReference

    first = DataReference(workspace.store, "first", "raw/x.csv")
    second = DataReference(workspace.store, "second", "raw/x.csv")
    graph = built(workspace, [step("a", [first]), step("b", [second])])
    (source,) = graph.datasource_nodes
    assert source.datasource_def.path_on_datastore == "raw/x.csv"
    assert len(graph.edges) == 2


def test_a_circle_is_named_with_the_steps_in_it(workspace: FakeWorkspace) -> None:
    a, b, c, after = steps("abcd")
    b.run_after(a)
    c.run_after(b)
    a.run_after(c)
    after.run_after(c)
    pipeline = Pipeline(workspace, [after])
    (error,) = pipeline.validate()
    assert error.startswith("Cycle detected including node ")
    assert "d" not in error.rpartition(": ")[2]
    with pytest.raises(ValueError, match="Cycle detected"):
        pipeline.submit("circles")
    assert workspace._client.submitted == []


def test_a_pipeline_that_is_well_says_which_steps_are_ready(
    workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = Pipeline(workspace, [step("a")])
    assert pipeline.validate() == []
    node_id = pipeline.graph.nodes[0].node_id
    assert capsys.readouterr().out == f"Step a is ready to be created [{node_id}]\n"
    assert len(node_id) == 8 and int(node_id, 16) >= 0


def two_writers() -> List[Any]:
    data = PipelineData("data")
    return [step("a", [], [data]), step("b", [], [data])]


def written_raw_read_promoted() -> List[Any]:
    data = PipelineData("data")
    return [step("a", [], [data]), step("b", [data.as_dataset()])]


def two_pipeline_outputs() -> List[Any]:
    first = PipelineData("first", pipeline_output_name="result")
    second = PipelineData("second", pipeline_output_name="result")
    return [step("a", [], [first]), step("b", [], [second])]


def chained_copies() -> List[Any]:
    output = OutputFileDatasetConfig("out")
    return [step("a", [], [output]), step("b", [], [output.as_upload()])]


class AksCompute:
    """A compute target no step of a program's own runs on."""

    __module__ = "azureml.core.compute.aks"
    name = "cluster"


REFUSED: Dict[str, Tuple[Callable[[], Any], str]] = {
    "an input no step writes": (lambda: step("a", [PipelineData("x")]), "`x` of step `a`"),
    "data no step writes": (lambda: PipelineData("x"), "no step makes `x`"),
    "an output of two steps": (two_writers, "already an output of step `a`"),
    "a configured output of two steps": (chained_copies, "already an output of step `a`"),
    "a dataset that is written as plain data": (written_raw_read_promoted, "as_dataset"),
    "two pipeline outputs of one name": (two_pipeline_outputs, "named `result`"),
    "the target local": (lambda: step("a", compute_target="local"), "`local`"),
    "a target that is a number": (lambda: step("a", compute_target=3), "compute target"),
    "a target of another kind": (lambda: step("a", compute_target=AksCompute()), "AksCompute"),
    "a target of three": (lambda: step("a", compute_target=("a", "b", "c")), "tuple"),
    "a setting that cannot be a parameter": (
        lambda: step("a", runconfig_pipeline_params={"Target": PipelineParameter("t", "x")}),
        "NodeCount",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_a_pipeline_is_a_value_error(
    case: Tuple[Callable[[], Any], str], workspace: FakeWorkspace
) -> None:
    make, text = case
    with pytest.raises(ValueError, match=text):
        Pipeline(workspace, make())


@pytest.mark.parametrize("what", [(), None, "steps", 3])
def test_what_is_no_collection_of_steps_is_not_implemented(
    what: Any, workspace: FakeWorkspace
) -> None:
    with pytest.raises(NotImplementedError):
        Pipeline(workspace, what)


def test_an_unknown_option_of_a_pipeline_is_a_value_error(workspace: FakeWorkspace) -> None:
    Pipeline(workspace, [], enable_email_notification=True)
    with pytest.raises(ValueError, match="colour"):
        Pipeline(workspace, [], colour="red")


def test_a_missing_script_is_refused_with_its_absolute_path(
    workspace: FakeWorkspace, scripts: Any
) -> None:
    missing = PythonScriptStep("gone.py", source_directory=".")
    with pytest.raises(ValueError, match=str(scripts / "gone.py")):
        Pipeline(workspace, [missing])


def test_a_missing_source_directory_is_refused_with_its_absolute_path(
    workspace: FakeWorkspace, scripts: Any
) -> None:
    with pytest.raises(ValueError, match=str(scripts / "gone")):
        Pipeline(workspace, [step("a", source_directory="gone")])


def test_a_script_outside_its_source_directory_is_refused(
    workspace: FakeWorkspace, scripts: Any
) -> None:
    (scripts / "inner").mkdir()
    outside = PythonScriptStep("../s.py", source_directory="inner")
    with pytest.raises(ValueError, match="not inside its source directory"):
        Pipeline(workspace, [outside])


def test_the_default_source_directory_is_that_of_the_pipeline(
    workspace: FakeWorkspace, scripts: Any
) -> None:
    (scripts / "inner").mkdir()
    (scripts / "inner" / "t.py").write_text("")
    graph = built(workspace, PythonScriptStep("t.py"), default_source_directory="inner")
    assert graph.module_nodes[0]._work.source_directory == str(scripts / "inner")


def test_an_unknown_target_is_refused_by_a_shared_server_only() -> None:
    shared, own = FakeWorkspace(embedded=False), FakeWorkspace(embedded=True)
    Pipeline(own, [step("a", compute_target="aml-cluster")])
    Pipeline(shared, [step("a", compute_target="gpus")])
    with pytest.raises(ValueError, match="`aml-cluster` does not exist.*`gpus`"):
        Pipeline(shared, [step("a", compute_target="aml-cluster")])


def test_a_parameter_with_two_defaults_in_one_pipeline_is_an_error(
    workspace: FakeWorkspace,
) -> None:
    first = step("a", arguments=[PipelineParameter("p", 1)])
    second = step("b", arguments=[PipelineParameter("p", 2)])
    with pytest.raises(Exception, match="two defaults") as caught:
        Pipeline(workspace, [first, second])
    assert type(caught.value) is Exception


def test_the_definition_of_a_step_does_not_hold_its_script(workspace: FakeWorkspace) -> None:
    def digest(**kwargs: Any) -> str:
        made = PythonScriptStep("s.py", "a", **kwargs)
        return str(built(workspace, made).module_nodes[0].module_def.calculate_hash())

    plain = digest()
    assert digest(compute_target="gpus") == plain
    assert digest(allow_reuse=False) != plain
    assert digest(arguments=["x"]) != plain
    first, second = PipelineParameter("p", 1), PipelineParameter("p", 2)
    assert digest(params={"p": first}) != digest(params={"p": second})


def test_a_node_can_be_taken_out_of_a_graph(workspace: FakeWorkspace) -> None:
    data = PipelineData("data")
    graph = built(workspace, [step("a", [], [data]), step("b", [data])])
    graph.delete_node(graph.node_name_dict["a"][0].node_id)
    assert names(graph) == ["b"] and graph.edges == []
    assert graph.validate() == ["input `data` of step `b` is connected to nothing"]
