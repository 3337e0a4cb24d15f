"""Publishing with the real server: what is open stays open, and what does not fit is refused."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import threading
import uuid
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
import requests
from programs import pipeline, step

from azureml.core import Dataset, Datastore, Experiment, Workspace
from azureml.core.authentication import InteractiveLoginAuthentication
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter, PublishedPipeline
from azureml.pipeline.core.run import PipelineRun

# Writes down all that a parameter can reach: arguments, variables, the data that is read.
TELLS = """
import json, os, sys
from azureml.core import Run

out, where, files, rate, flag = sys.argv[1:]
table = Run.get_context().input_datasets["table"]
seen = {
    "rate": rate,
    "flag": flag,
    "variables": {k: v for k, v in os.environ.items() if k.startswith("AML_PARAMETER_")},
    "where": open(os.path.join(where, "a.txt")).read(),
    "files": sorted(os.listdir(files)),
    "rows": table.to_pandas_dataframe()["x"].tolist(),
}
with open(out, "w") as file:
    json.dump(seen, file)
"""


def put(workspace: Workspace, path: str, text: str) -> None:
    file = Path(Datastore.get_default(workspace)._folder()) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


class Open:
    """A pipeline with a parameter of each kind, and the data its defaults and others name."""

    def __init__(self, project: Path) -> None:
        self.workspace = Workspace.from_config()
        self.store = Datastore.get_default(self.workspace)
        self.base = project.name
        for name in ("one", "two"):
            put(self.workspace, f"{self.base}/{name}/a.txt", name)
            put(self.workspace, f"{self.base}/{name}/b.txt", name)
            rows = {"one": "1", "two": "2\n22"}[name]
            put(self.workspace, f"{self.base}/{name}.csv", "x\n" + rows + "\n")
        put(self.workspace, f"{self.base}/two/c.txt", "c")
        where = PipelineParameter("where", DataPath(self.store, self.base + "/one"))
        files = PipelineParameter("files", self.files("one"))
        table = PipelineParameter("table", self.table("one"))
        rate = PipelineParameter("rate", 0.5)
        flag = PipelineParameter("flag", True)
        depth = PipelineParameter("depth", 3)
        self.out = PipelineData("out")
        place = (where, DataPathComputeBinding())
        folder = self.consumption("files", files).as_mount()
        made = step(
            project,
            "tell",
            TELLS,
            arguments=[self.out, place, folder, rate, flag],
            inputs=[place, folder, self.consumption("table", table)],
            outputs=[self.out],
            params={"depth": depth, "fixed": "f"},
            allow_reuse=True,
        )
        self.pipeline: Pipeline = pipeline(project, made)

    def files(self, name: str) -> Any:
        return Dataset.File.from_files((self.store, f"{self.base}/{name}"))

    def table(self, name: str) -> Any:
        return Dataset.Tabular.from_delimited_files((self.store, f"{self.base}/{name}.csv"))

    @staticmethod
    def consumption(name: str, dataset: Any) -> Any:
        from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig(name, dataset)


def seen(run: PipelineRun) -> Dict[str, Any]:
    assert run.wait_for_completion(show_output=False) == "Finished"
    (made,) = run.get_steps()
    (output,) = run._client.get("/runs/" + made.id)["outputs"]
    result: Dict[str, Any] = json.loads(Path(output["local_path"]).read_text())
    return result


def datasets_of(run: PipelineRun) -> Dict[str, str]:
    """The ids of the datasets that the only step of a run was given, by the names of its inputs."""
    (made,) = run.get_steps()
    used = made.get_details()["inputDatasets"]
    return {each["consumptionDetails"]["inputName"]: each["dataset"].id for each in used}


ONE = {
    "rate": "0.5",
    "flag": "True",
    "variables": {
        "AML_PARAMETER_depth": "3",
        "AML_PARAMETER_fixed": "f",
        "AML_PARAMETER_flag": "True",
        "AML_PARAMETER_rate": "0.5",
    },
    "where": "one",
    "files": ["a.txt", "b.txt"],
    "rows": [1],
}
TWO = {
    "rate": "0.25",
    "flag": "False",
    "variables": {
        "AML_PARAMETER_depth": "7",
        "AML_PARAMETER_fixed": "f",
        "AML_PARAMETER_flag": "False",
        "AML_PARAMETER_rate": "0.25",
    },
    "where": "two",
    "files": ["a.txt", "b.txt", "c.txt"],
    "rows": [2, 22],
}


def test_a_published_pipeline_runs_with_its_defaults_and_with_other_values(project: Path) -> None:
    made = Open(project)
    published = made.pipeline.publish("open", "tells", version="1.0")
    assert (published.name, published.description, published.version) == ("open", "tells", "1.0")
    assert (published.status, published.total_run_steps) == ("Active", 1)
    assert published.get_step_names() == ["tell"]
    first = published.submit(made.workspace, project.name)
    assert seen(first) == ONE
    others = {
        "where": DataPath(made.store, made.base + "/two"),
        "files": made.files("two"),
        "table": made.table("two"),
        "rate": 0.25,
        "flag": False,
        "depth": 7,
    }
    experiment = Experiment(made.workspace, project.name)
    second = experiment.submit(published, pipeline_parameters=others)
    assert seen(second) == TWO
    used = [datasets_of(run) for run in (first, second)]
    assert [sorted(each) for each in used] == [["files", "table"]] * 2
    assert not set(used[0].values()) & set(used[1].values())
    (step_run,) = second.get_steps()
    reasons = second._client.get(f"/runs/{step_run.id}/why")["steps"][0]["reasons"]
    assert "variable AML_PARAMETER_depth was `3` and is `7`" in reasons
    # An equal step stands in, whether its pipeline was published or not.
    third = experiment.submit(made.pipeline, pipeline_parameters=others)
    assert third.wait_for_completion(show_output=False) == "Finished"
    (reused,) = third.get_steps()
    assert third._client.get("/runs/" + reused.id)["reused_from"] == step_run.id
    runs = PipelineRun.get_pipeline_runs(made.workspace, published.id)
    assert [run.id for run in runs] == [second.id, first.id]
    properties = second.get_properties()
    assert properties["azureml.pipelineid"] == published.id
    assert json.loads(properties["azureml.parameters"])["depth"] == "7"


def test_the_pipeline_of_a_run_is_published_with_its_values(project: Path) -> None:
    made = Open(project)
    run = made.pipeline.submit(
        project.name,
        {"rate": 0.25, "where": DataPath(made.store, made.base + "/two"), "depth": 7},
    )
    expected = {
        **ONE,
        "rate": "0.25",
        "where": "two",
        "variables": {
            **ONE["variables"],  # type: ignore[dict-item]
            "AML_PARAMETER_rate": "0.25",
            "AML_PARAMETER_depth": "7",
        },
    }
    assert seen(run) == expected
    published = run.publish_pipeline("from run", "again", "2")
    again = published.submit(made.workspace, project.name)
    assert seen(again) == expected
    assert datasets_of(again) == datasets_of(run)
    values = {"files": made.files("two"), "depth": 1}
    other = seen(published.submit(made.workspace, project.name, values))
    assert other["files"] == TWO["files"] and other["variables"]["AML_PARAMETER_depth"] == "1"
    assert published.get_graph().params.keys() == made.pipeline.graph.params.keys()


def test_what_does_not_fit_is_refused_before_anything_runs(project: Path) -> None:
    made = Open(project)
    published = made.pipeline.publish("strict")
    workspace = made.workspace

    def refused(values: Dict[str, Any]) -> str:
        with pytest.raises(UserErrorException) as caught:
            published.submit(workspace, project.name, values)
        return str(caught.value)

    assert "no parameter `dept`" in refused({"dept": 3})
    assert "`depth` takes a whole number, not `deep`" in refused({"depth": "deep"})
    assert "`rate` takes a number, not `fast`" in refused({"rate": "fast"})
    assert "`where` takes a data path, not `here`" in refused({"where": "here"})
    assert "`table` takes a dataset, not a data path" in refused(
        {"table": DataPath(made.store, "x")}
    )
    published.disable()
    assert published.status == "Disabled"
    assert "is disabled" in refused({})
    assert published.id not in [each.id for each in PublishedPipeline.list(workspace)]
    every = PublishedPipeline.list(workspace, active_only=False)
    assert published.id in [each.id for each in every]
    assert PublishedPipeline.get(workspace, published.id).status == "Disabled"
    published.enable()
    published.submit(workspace, project.name).cancel()
    with pytest.raises(UserErrorException):
        PublishedPipeline.get(workspace, "6d1ad4a0-0000-4000-8000-000000000001")
    assert len(PipelineRun.get_pipeline_runs(workspace, published.id)) == 1


def test_a_published_pipeline_can_be_looked_at(project: Path) -> None:
    data = PipelineData("data")
    step(project, "first", "print(1)", outputs=[data], arguments=[data])
    rate = PipelineParameter("rate", 1.5)
    second = step(project, "second", "print(2)", inputs=[data], arguments=[data, rate])
    third = step(project, "third", "print(3)")
    third.run_after(second)
    published = pipeline(project, third).publish("shapes")
    graph = published.get_graph()
    assert sorted(graph.node_name_dict) == ["first", "second", "third"]
    joined = sorted((edge.source_port.node.name, edge.dest_port.node.name) for edge in graph.edges)
    assert joined == [("first", "second"), ("second", "third")]
    assert graph.params == {"rate": 1.5}
    published.save(str(project))
    import yaml

    said = yaml.safe_load((project / "shapes.yml").read_text())["pipeline"]
    assert said["parameters"] == {"rate": {"type": "float", "default": "1.5"}}
    assert said["steps"]["second"]["inputs"] == {"data": {"source": "first/data"}}
    assert said["steps"]["second"]["arguments"] == ["input:data", "parameter:rate"]
    assert said["steps"]["third"]["run_after"] == ["second"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def served_at(folder: Path) -> Iterator[str]:
    """The URL of a server of the files of a folder."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_dataset_of_any_kind_is_taken_at_v1s_address(project: Path) -> None:
    """What is in no place of its own is gathered: a wildcard, a part of a folder, a URL."""
    workspace = Workspace.from_config()
    store = workspace.get_default_datastore()
    folder = "rest-" + uuid.uuid4().hex
    for name in ("one.csv", "two.csv"):
        (project / name).write_text(name)
    files = [str(project / name) for name in ("one.csv", "two.csv")]
    store.upload_files(files, target_path=folder, show_progress=False)
    whole = Dataset.File.from_files((store, folder))
    given = DatasetConsumptionConfig("given", PipelineParameter("given", whole)).as_mount()
    text = (
        "import os, sys\n"
        "path = sys.argv[1]\n"
        "print(sorted(os.listdir(path)) if os.path.isdir(path) else open(path).read())"
    )
    reads = step(project, "reads", text, arguments=[given], inputs=[given])
    published = pipeline(project, reads).publish("files")
    header = InteractiveLoginAuthentication().get_authentication_header()
    with served_at(project) as url:
        cases = {
            "['one.csv', 'two.csv']": whole,
            "one.csv": Dataset.File.from_files((store, folder + "/one.csv")),
            "['two.csv']": Dataset.File.from_files((store, folder + "/t*.csv")),
            "['one.csv']": whole.take(1),
            "two.csv": Dataset.File.from_files(url + "/two.csv"),
        }
        for expected, dataset in cases.items():
            name = "rest-" + uuid.uuid4().hex
            registered = dataset.register(workspace, name)
            body = {
                "ExperimentName": project.name,
                "DataSetDefinitionValueAssignments": {
                    "given": {"SavedDataSetReference": {"Id": registered.id}}
                },
            }
            reply = requests.post(published.endpoint, headers=header, json=body)
            assert reply.status_code == 200, reply.text
            run = PipelineRun(Experiment(workspace, project.name), reply.json()["Id"])
            assert run.wait_for_completion(show_output=False) == "Finished"
            (only,) = run.get_steps()
            assert only.get_stdout_log().strip() == expected
