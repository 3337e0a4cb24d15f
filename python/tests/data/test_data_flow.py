"""Data through real pipelines in every way there is, and what runs again when something changes."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, Dict, List

import pytest

from azureml.core import Dataset, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.exceptions import ActivityFailedException
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

# Copies what it reads into what it writes, with the name of the step.
COPY = """
import os, sys
*given, target = sys.argv[1:]
os.makedirs(target, exist_ok=True)
text = ""
for place in given:
    files = [place] if os.path.isfile(place) else [
        os.path.join(folder, name) for folder, _, names in os.walk(place) for name in names
    ]
    text += "".join(open(file).read() for file in sorted(files))
with open(os.path.join(target, "text.csv"), "w") as file:
    file.write(text.replace("raw", "RAW") + NAME)
"""


@pytest.fixture
def workspace(project: Path) -> Workspace:
    return Workspace.from_config()


@pytest.fixture
def raw(workspace: Workspace, project: Path) -> str:
    """A folder of the default datastore with a file."""
    store = workspace.get_default_datastore()
    place = Path(store._folder(), project.name)
    place.mkdir(parents=True, exist_ok=True)
    (place / "raw.csv").write_text("raw\n")
    return project.name


def write(project: Path, step: str, text: str) -> str:
    folder = project / "src" / step
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(textwrap.dedent(text))
    return str(folder)


def step(project: Path, name: str, text: str = "", **options: Any) -> PythonScriptStep:
    folder = project / "src" / name
    if not folder.exists():
        write(project, name, text or COPY.replace("NAME", repr(name + "\n")))
    options.setdefault("compute_target", "aml-cluster")
    return PythonScriptStep("main.py", name, source_directory=str(folder), **options)


def finish(workspace: Workspace, project: Path, steps: Any, **options: Any) -> Any:
    run = Pipeline(workspace, steps).submit(project.name, **options)
    assert run.wait_for_completion(show_output=False) == "Finished"
    return run


def ran(run: Any) -> List[str]:
    """The steps that were not reused."""
    return sorted(
        each.display_name
        for each in run.get_steps()
        if "azureml.reusedrunid" not in each.get_properties()
    )


def three_ways(workspace: Workspace, project: Path, raw: str) -> List[Any]:
    """A pipeline whose data goes by DataPath, output dataset, PipelineData and dataset."""
    store = workspace.get_default_datastore()
    path = PipelineParameter("raw", DataPath(store, raw))
    pair = (path, DataPathComputeBinding())
    configured = OutputFileDatasetConfig().register_on_complete(raw)
    plain = PipelineData("plain", pipeline_output_name="made")
    known = Dataset.File.from_files((store, raw + "/*.csv")).as_named_input("known").as_mount()
    first = step(project, "first", arguments=[pair, configured], inputs=[pair])
    second = step(project, "second", arguments=[configured.as_input(), plain], outputs=[plain])
    third = PipelineData("third")
    last = step(project, "last", arguments=[plain, known, third], inputs=[plain], outputs=[third])
    return [first, second, last]


def text_of(run: Any, name: str, output: str, project: Path) -> str:
    """The text that a step wrote to an output, downloaded."""
    target = project / "downloaded" / run.id
    data = run.find_step_run(name)[0].get_output_data(output)
    assert data.download(str(target)) == 1
    return (target / data.path_on_datastore / "text.csv").read_text()


def test_data_goes_all_ways_and_one_byte_reruns_what_depends_on_it(
    workspace: Workspace, project: Path, raw: str
) -> None:
    def again() -> Any:
        return finish(workspace, project, three_ways(workspace, project, raw))

    first = again()
    assert ran(first) == ["first", "last", "second"]
    assert text_of(first, "last", "third", project) == "RAW\nfirst\nsecond\nRAW\nlast\n"
    assert first.get_pipeline_output("made").path_on_datastore.endswith("/plain")

    second = again()
    assert ran(second) == []
    assert text_of(second, "last", "third", project) == "RAW\nfirst\nsecond\nRAW\nlast\n"
    assert all(each.get_status() == "Finished" for each in second.get_steps())

    # A byte that changes what the step writes, and so what its dependents read.
    source = project / "src" / "second" / "main.py"
    source.write_text(source.read_text().replace("'second\\n'", "'Second\\n'"))
    third = again()
    assert ran(third) == ["last", "second"]
    why = third.find_step_run("second")[0].why()
    assert any("main.py" in reason for reason in why), why

    # A byte that changes nothing of what it writes.
    source.write_text(source.read_text() + "#")
    assert ran(again()) == ["second"]

    # The data itself.
    place = Path(workspace.get_default_datastore()._folder(), raw, "raw.csv")
    place.write_text("Raw\n")
    assert ran(again()) == ["first", "last", "second"]


def test_another_place_is_chosen_when_the_pipeline_is_submitted(
    workspace: Workspace, project: Path, raw: str
) -> None:
    store = workspace.get_default_datastore()
    other = Path(store._folder(), raw + "-other")
    other.mkdir()
    (other / "a.csv").write_text("other\n")
    steps = three_ways(workspace, project, raw)
    run = finish(
        workspace,
        project,
        steps,
        pipeline_parameters={"raw": DataPath(store, raw + "-other")},
    )
    assert text_of(run, "last", "third", project).startswith("other\nfirst\n")


def test_an_output_is_registered_when_its_step_has_succeeded(
    workspace: Workspace, project: Path
) -> None:
    name = project.name
    made = OutputFileDatasetConfig("made")
    table = made.read_delimited_files(path_glob="*.csv").register_on_complete(
        name, description="said", tags={"k": "v"}
    )
    promoted = PipelineData("promoted").as_dataset().register(name + "-files")
    text = """
    import os, sys
    for folder in sys.argv[1:]:
        os.makedirs(folder, exist_ok=True)
        open(os.path.join(folder, "a.csv"), "w").write("n,m\\n1,x\\n")
        open(os.path.join(folder, "b.txt"), "w").write("b")
    """

    def again() -> Any:
        make = step(project, "make", text, arguments=[table, promoted], outputs=[promoted])
        return finish(workspace, project, [make])

    run = again()
    found = Dataset.get_by_name(workspace, name)
    assert (found.version, found.description, found.tags) == (1, "said", {"k": "v"})
    assert found.to_pandas_dataframe().values.tolist() == [[1, "x"]]
    files = Dataset.get_by_name(workspace, name + "-files")
    assert sorted(files.to_path()) == ["/a.csv", "/b.txt"]
    properties = run.find_step_run("make")[0].get_properties()
    assert properties["stepwell.dataset.made"] == name + ":1"

    assert ran(again()) == [], "the step is reused"
    assert Dataset.get_by_name(workspace, name).version == 1, "and makes no second version"


def test_a_failed_step_registers_nothing_and_leaves_nothing_where_others_look(
    workspace: Workspace, project: Path
) -> None:
    store = workspace.get_default_datastore()
    made = OutputFileDatasetConfig("made", (store, project.name)).register_on_complete(project.name)
    text = """
    import os, sys
    open(os.path.join(sys.argv[1], "half.csv"), "w").write("half")
    raise SystemExit("no more")
    """
    run = Pipeline(workspace, [step(project, "fail", text, arguments=[made])]).submit(project.name)
    with pytest.raises(ActivityFailedException):
        run.wait_for_completion(show_output=False)
    assert not Path(store._folder(), project.name).exists()
    assert project.name not in Dataset.get_all(workspace)


def test_a_download_is_the_steps_own_and_a_path_is_where_it_was_asked_for(
    workspace: Workspace, project: Path, raw: str
) -> None:
    store = workspace.get_default_datastore()
    files = Dataset.File.from_files((store, raw + "/*.csv"))
    reference = DataReference(store, "ref", raw, mode="download", path_on_compute="in/here")
    text = """
    import json, os, sys
    from azureml.core import Run
    copied, mounted, referred = sys.argv[1:]
    found = {
        "copied": open(os.path.join(copied, "raw.csv")).read(),
        "mounted": open("links/raw.csv").read(),
        "referred": open("in/here/raw.csv").read(),
        "same": os.path.samefile(mounted, "links") and os.path.samefile(referred, "in/here"),
        "named": Run.get_context().input_datasets["copied"] == copied,
        "link": os.path.islink("links"),
    }
    for folder in (copied, referred):
        open(os.path.join(folder, "raw.csv"), "w").write("scribble")
    os.makedirs("outputs", exist_ok=True)
    json.dump(found, open("outputs/found.json", "w"))
    """
    read = step(
        project,
        "read",
        text,
        arguments=[
            files.as_named_input("copied").as_download(),
            files.as_named_input("mounted").as_mount(path_on_compute="links"),
            reference,
        ],
        inputs=[reference],
    )
    run = finish(workspace, project, [read])
    target = project / "found.json"
    run.find_step_run("read")[0].download_file("outputs/found.json", str(target))
    found: Dict[str, Any] = json.loads(target.read_text())
    assert found == {
        "copied": "raw\n",
        "mounted": "raw\n",
        "referred": "raw\n",
        "same": True,
        "named": True,
        "link": True,
    }
    assert Path(store._folder(), raw, "raw.csv").read_text() == "raw\n", "the data is untouched"
