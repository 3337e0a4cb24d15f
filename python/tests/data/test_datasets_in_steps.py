"""Datasets as steps of real runs read them."""

from __future__ import annotations

import json
import textwrap
import uuid
from pathlib import Path
from typing import Any, Dict

import pytest

from azureml.core import Dataset, Experiment, ScriptRunConfig, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

pytest.importorskip("pandas")

# Writes down what the step finds, for the test to read.
REPORT = """
import json, os, sys
from azureml.core import Run
run = Run.get_context()
def report(**found):
    with open("outputs/found.json", "w") as file:
        json.dump(found, file)
os.makedirs("outputs", exist_ok=True)
"""


@pytest.fixture
def workspace(project: Path) -> Workspace:
    return Workspace.from_config()


@pytest.fixture
def place(workspace: Workspace) -> Any:
    """A datastore and a folder of it with files."""
    store = workspace.get_default_datastore()
    folder = "t-" + uuid.uuid4().hex
    for name, text in {"a.csv": "n,m\n1,x\n2,y\n", "b.csv": "n,m\n3,z\n", "c.txt": "c"}.items():
        path = Path(store._folder(), folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return store, folder


def script(project: Path, name: str, text: str) -> str:
    (project / "src").mkdir(exist_ok=True)
    (project / "src" / name).write_text(REPORT + textwrap.dedent(text))
    return name


def step(project: Path, name: str, text: str, **options: Any) -> PythonScriptStep:
    return PythonScriptStep(
        script(project, name + ".py", text),
        name=name,
        source_directory=str(project / "src"),
        **options,
    )


def found_by(run: Any, target: Path) -> Dict[str, Any]:
    run.download_file("outputs/found.json", str(target))
    found: Dict[str, Any] = json.loads(target.read_text())
    return found


def test_a_step_reads_a_table_and_files(workspace: Workspace, place: Any, project: Path) -> None:
    store, folder = place
    table = Dataset.Tabular.from_delimited_files((store, folder + "/*.csv"))
    table = table.filter(table["n"] > 1)
    whole = Dataset.File.from_files((store, folder))
    some = Dataset.File.from_files((store, folder + "/*.csv")).register(workspace, folder)
    one = Dataset.File.from_files((store, folder + "/c.txt"), is_file=True)
    read = step(
        project,
        "read",
        """
        table, files = run.input_datasets["table"], run.input_datasets["some"]
        report(
            rows=table.to_pandas_dataframe().values.tolist(),
            id=table.id == sys.argv[2],
            whole=sorted(os.listdir(sys.argv[4])),
            whole_place=sys.argv[4],
            some=sorted(os.listdir(files)),
            text=open(os.path.join(files, "b.csv")).read(),
            one=open(sys.argv[6]).read(),
        )
        """,
        arguments=[
            *("--table", table.as_named_input("table")),
            *("--whole", whole.as_named_input("whole").as_mount()),
            *("--one", one.as_download()),
        ],
        inputs=[DatasetConsumptionConfig("some", (workspace, folder), mode="mount")],
    )
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [read]))
    assert run.wait_for_completion(show_output=False) == "Finished"
    found = found_by(run.find_step_run("read")[0], project / "found.json")
    assert found == {
        "rows": [[2, "y"], [3, "z"]],
        "id": True,
        "whole": ["a.csv", "b.csv", "c.txt"],
        "whole_place": str(Path(store._folder(), folder)),
        "some": ["a.csv", "b.csv"],
        "text": "n,m\n3,z\n",
        "one": "c",
    }
    assert some.version == 1


def test_a_step_reads_as_a_table_what_another_has_written(
    workspace: Workspace, project: Path
) -> None:
    configured = OutputFileDatasetConfig("configured")
    promoted = PipelineData("promoted").as_dataset()
    make = step(
        project,
        "make",
        """
        for folder in sys.argv[1:]:
            os.makedirs(folder, exist_ok=True)
            for number, name in enumerate(["a.csv", "b.csv", "c.tsv"]):
                with open(os.path.join(folder, name), "w") as file:
                    file.write("n,m\\n{},{}\\n".format(number, name))
        """,
        arguments=[configured, promoted],
        outputs=[promoted],
    )
    first = configured.read_delimited_files(path_glob="*.csv").keep_columns("m")
    second = promoted.parse_delimited_files().drop_columns("m").as_named_input("second")
    use = step(
        project,
        "use",
        """
        tables = [run.input_datasets[name].to_pandas_dataframe() for name in ("first", "second")]
        report(
            rows=[table.values.tolist() for table in tables],
            files=run.input_datasets["third"].to_path(),
            listed=sorted(os.listdir(run.input_datasets["fourth"])),
        )
        """,
        inputs=[
            first.as_input("first"),
            second,
            promoted.as_named_input("third").as_direct(),
            configured.as_input("fourth"),
        ],
    )
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, [use]))
    assert run.wait_for_completion(show_output=False) == "Finished"
    found = found_by(run.find_step_run("use")[0], project / "found.json")
    assert found["rows"] == [[["a.csv"], ["b.csv"]], [[0], [1]]]
    assert found["files"] == ["/a.csv", "/b.csv", "/c.tsv"]
    assert found["listed"] == ["a.csv", "b.csv", "c.tsv"]
    assert make.name == "make"


def test_a_parameter_chooses_the_dataset(workspace: Workspace, place: Any, project: Path) -> None:
    store, folder = place
    default = Dataset.Tabular.from_delimited_files((store, folder + "/a.csv"))
    other = Dataset.Tabular.from_delimited_files((store, folder + "/b.csv"))
    parameter = PipelineParameter("which", default)
    read = step(
        project,
        "read",
        'report(rows=run.input_datasets["table"].to_pandas_dataframe().values.tolist())',
        inputs=[DatasetConsumptionConfig("table", parameter)],
    )
    pipeline = Pipeline(workspace, [read])
    run = pipeline.submit(project.name, pipeline_parameters={"which": other})
    assert run.wait_for_completion(show_output=False) == "Finished"
    assert found_by(run.find_step_run("read")[0], project / "f.json") == {"rows": [[3, "z"]]}


def test_a_script_run_reads_datasets(workspace: Workspace, place: Any, project: Path) -> None:
    store, folder = place
    (project / "mine.txt").write_text("mine")
    local = Dataset.File.from_files(str(project / "mine.txt"), is_file=True)
    table = Dataset.Tabular.from_delimited_files((store, folder + "/*.csv"))
    files = Dataset.File.from_files((store, folder + "/*.csv"))
    name = script(
        project,
        "main.py",
        """
        from azureml.core import Dataset
        table = Dataset.get_by_id(run.experiment.workspace, sys.argv[1])
        report(
            count=len(table.to_pandas_dataframe()),
            files=sorted(os.listdir(sys.argv[2])),
            text=open(sys.argv[3]).read(),
        )
        """,
    )
    config = ScriptRunConfig(
        str(project / "src"),
        name,
        arguments=[table.as_named_input("table"), files.as_mount(), local.as_mount()],
    )
    run = Experiment(workspace, project.name).submit(config)
    run.wait_for_completion()
    found = found_by(run, project / "f.json")
    assert found == {"count": 3, "files": ["a.csv", "b.csv"], "text": "mine"}


def test_equal_submissions_send_equal_steps(
    workspace: Workspace, place: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azureml.pipeline.core._submission import RunRequest, submission

    def body() -> Any:
        store, folder = place
        table = Dataset.Tabular.from_delimited_files((store, folder + "/*.csv"))
        files = Dataset.File.from_files((store, folder + "/*.csv"))
        read = step(
            project,
            "read",
            "pass",
            arguments=[table.as_named_input("table"), files.as_mount()],
        )
        graph = Pipeline(workspace, [read]).graph
        return submission(graph, RunRequest(project.name, {}), workspace._client)

    first, second = body(), body()
    assert first["steps"] == second["steps"]
    table, files = first["steps"][0]["inputs"]
    assert table["source"] == files["source"], "both are the view of the same files"


def test_a_step_is_reused_until_a_file_of_its_dataset_changes(
    workspace: Workspace, place: Any, project: Path
) -> None:
    store, folder = place

    def is_reused() -> bool:
        table = Dataset.Tabular.from_delimited_files((store, folder + "/*.csv"))
        read = step(project, "read", "pass", arguments=[table.as_named_input("table")])
        run = Pipeline(workspace, [read]).submit(project.name)
        assert run.wait_for_completion(show_output=False) == "Finished"
        properties = run.find_step_run("read")[0].get_properties()
        return "azureml.reusedrunid" in properties

    assert [is_reused(), is_reused()] == [False, True]
    Path(store._folder(), folder, "b.csv").write_text("n,m\n4,z\n")
    assert [is_reused(), is_reused()] == [False, True]


WAYS = """
import sys
found = {}
for name, path in zip(sys.argv[1::2], sys.argv[2::2]):
    found[name] = [os.path.isfile(path), run.input_datasets[name] == path, os.path.basename(path)]
report(**found)
"""


def test_a_dataset_of_one_file_is_given_as_that_file(
    workspace: Workspace, place: Any, project: Path
) -> None:
    store, folder = place
    one = Dataset.File.from_files((store, folder + "/a.csv"))
    pattern = Dataset.File.from_files((store, folder + "/*.txt"))
    ways = {
        "mounted": one.as_named_input("mounted").as_mount(),
        "fetched": one.as_named_input("fetched").as_download(),
        "chosen": DatasetConsumptionConfig("chosen", PipelineParameter("p", one)).as_mount(),
        "matched": pattern.as_named_input("matched").as_mount(),
    }
    arguments = [part for name, way in ways.items() for part in (name, way)]
    read = step(project, "read", WAYS, arguments=arguments, inputs=list(ways.values()))
    run = Experiment(workspace, "e").submit(Pipeline(workspace, [read]))
    assert run.wait_for_completion(show_output=False) == "Finished"
    found = found_by(run.find_step_run("read")[0], project / "found.json")
    matched = found.pop("matched")
    assert found == {name: [True, True, "a.csv"] for name in ("mounted", "fetched", "chosen")}
    assert matched[:2] == [False, True]  # a pattern names a folder, whatever it finds
