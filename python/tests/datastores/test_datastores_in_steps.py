"""Pipelines whose data is on other machines, run for real."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict, List

import peers
import pytest

from azureml.core import Dataset, Experiment, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.data.dataset_error_handling import DatasetChangedWarning
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import PythonScriptStep

pytest.importorskip("pandas")

Step = Callable[..., PythonScriptStep]


@pytest.fixture
def step(project: Path) -> Step:
    """Makes a step of a script."""

    def make(name: str, text: str, **options: Any) -> PythonScriptStep:
        folder = project / "src" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.py").write_text(textwrap.dedent(text))
        return PythonScriptStep("main.py", name=name, source_directory=str(folder), **options)

    return make


def ran(workspace: Workspace, steps: List[Any], status: str = "Finished") -> Any:
    run = Experiment(workspace, "remote").submit(Pipeline(workspace, steps=steps))
    try:
        run.wait_for_completion(show_output=False)
    except Exception as failed:
        if status == "Finished":
            logs = [each.get_stdout_log() for each in run.get_steps()]
            raise AssertionError("{}\n{}".format(failed, "\n".join(logs))) from failed
    assert run.get_status() == status
    return run


def statuses(run: Any) -> Dict[str, str]:
    return {each.name: each.get_status() for each in run.get_steps()}


def upload(store: Any, folder: Path, files: Dict[str, str], path: str) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    store.upload(str(folder), path, overwrite=True, show_progress=False)


COPY = """
import os, sys
source, target = sys.argv[1:3]
os.makedirs(target, exist_ok=True)
for name in sorted(os.listdir(source)):
    with open(os.path.join(source, name)) as file, open(os.path.join(target, name), "w") as out:
        out.write(file.read().upper())
print("copied", sorted(os.listdir(source)))
"""


def chain(step: Step, store: Any) -> List[Any]:
    """Two steps: from a path of a datastore to it again, and once more."""
    raw = DataReference(store, "raw", "raw")
    middle = PipelineData("middle", datastore=store)
    last = OutputFileDatasetConfig("last", destination=(store, "last/{run-id}/{output-name}"))
    first = step("first", COPY, arguments=[raw, middle], inputs=[raw], outputs=[middle])
    second = step("second", COPY, arguments=[middle, last], inputs=[middle])
    return [first, second]


def test_data_passes_through_a_datastore_elsewhere_and_is_reused(
    workspace: Workspace, remote: Any, step: Step, tmp_path: Path
) -> None:
    upload(remote, tmp_path / "raw", {"a.txt": "a", "b.txt": "b"}, "raw")
    run = ran(workspace, chain(step, remote))
    first, second = sorted(run.get_steps(), key=lambda each: str(each.name))
    target = tmp_path / "out"
    first.get_output_data("middle").download(str(target), show_progress=False)
    found = {each.name: each.read_text() for each in target.rglob("*.txt")}
    assert found == {"a.txt": "A", "b.txt": "B"}
    assert "[stepwell] inputs fetched: 2 of 2 files" in first.get_stdout_log()
    assert "[stepwell] outputs uploaded: 2 of 2 files" in first.get_stdout_log()
    remote.download(str(tmp_path / "last"), "last/" + second.id, show_progress=False)
    assert len(list((tmp_path / "last").rglob("*.txt"))) == 2

    again = ran(workspace, chain(step, remote))
    assert {each.get_properties().get("azureml.isreused") for each in again.get_steps()} == {"true"}

    upload(remote, tmp_path / "raw", {"a.txt": "changed", "b.txt": "b"}, "raw")
    changed = ran(workspace, chain(step, remote))
    why = {each.name: each.why() for each in changed.get_steps()}
    assert "input raw a.txt" in str(why["first"]), why
    texts = []
    for each in changed.get_steps():
        if each.name == "first":
            each.get_output_data("middle").download(str(tmp_path / "new"), show_progress=False)
            texts = [each.read_text() for each in sorted((tmp_path / "new").rglob("*.txt"))]
    assert texts == ["CHANGED", "B"]


def test_a_changed_or_removed_output_is_made_again(
    workspace: Workspace, remote: Any, step: Step, tmp_path: Path
) -> None:
    upload(remote, tmp_path / "raw", {"a.txt": "a"}, "raw")
    run = ran(workspace, chain(step, remote))
    (first,) = [each for each in run.get_steps() if each.name == "first"]
    path = f"azureml/{first.id}/middle/a.txt"
    workspace._client.delete(f"/datastores/{remote.name}/files/{path}")
    again = ran(workspace, chain(step, remote))
    reused = {
        each.name: each.get_properties().get("azureml.isreused") for each in again.get_steps()
    }
    # It wrote the same bytes, so what comes after it is not disturbed.
    assert (reused["first"], reused["second"]) == (None, "true")


def test_a_step_that_fails_leaves_no_output(
    workspace: Workspace, remote: Any, step: Step, tmp_path: Path
) -> None:
    made = PipelineData("made", datastore=remote)
    text = """
    import os, sys
    os.makedirs(sys.argv[1])
    open(os.path.join(sys.argv[1], "half"), "w").write("half")
    sys.exit("no")
    """
    ran(workspace, [step("fails", text, arguments=[made], outputs=[made])], "Failed")
    assert remote._list("") == []


def test_an_upload_replaces_only_what_it_may(
    workspace: Workspace, remote: Any, step: Step, tmp_path: Path
) -> None:
    text = """
    import os, sys
    for number in sys.argv[2]:
        with open(os.path.join(sys.argv[1], number), "w") as file:
            file.write(sys.argv[2])
    """

    def writes(numbers: str, status: str, **options: Any) -> Any:
        made = OutputFileDatasetConfig("made", (remote, "fixed")).as_upload(**options)
        arguments = [made, numbers]
        return ran(
            workspace, [step("writes", text, arguments=arguments, allow_reuse=False)], status
        )

    def there() -> Dict[str, str]:
        remote.download(str(tmp_path / "out"), overwrite=True, show_progress=False)
        return {each.name: each.read_text() for each in (tmp_path / "out" / "fixed").iterdir()}

    writes("12", "Finished")
    (failed,) = writes("32", "Failed").get_steps()
    details = str(failed.get_details())
    assert "has a file `fixed/2` already" in details and "overwrite=True" in details
    assert there() == {"1": "12", "2": "12"}
    writes("45", "Finished")
    writes("2", "Finished", overwrite=True)
    assert there() == {"1": "12", "2": "2", "4": "45", "5": "45"}


def test_an_input_that_is_not_there_fails_the_step_and_says_so(
    workspace: Workspace, remote: Any, step: Step
) -> None:
    absent = DataReference(remote, "absent", "no/such/folder")
    run = ran(workspace, [step("reads", "print(1)", arguments=[absent], inputs=[absent])], "Failed")
    (failed,) = run.get_steps()
    assert "input `absent` could not be fetched" in str(failed.get_details())
    assert "has no `no/such/folder`" in str(failed.get_details())


def test_a_script_that_writes_to_what_it_reads_spoils_it_for_nobody(
    workspace: Workspace, remote: Any, step: Step, tmp_path: Path
) -> None:
    upload(remote, tmp_path / "raw", {"a.txt": "good"}, "raw")
    text = """
    import os, sys
    path = os.path.join(sys.argv[1], "a.txt")
    print("found", open(path).read())
    os.chmod(path, 0o666)
    open(path, "w").write("spoiled")
    """
    for _ in range(2):
        raw = DataReference(remote, "raw", "raw")
        spoils = step("spoils", text, arguments=[raw], inputs=[raw], allow_reuse=False)
        (only,) = ran(workspace, [spoils]).get_steps()
        assert "found good" in only.get_stdout_log()


def test_datasets_are_read_in_programs_and_steps(
    workspace: Workspace, remote: Any, step: Step, tmp_path: Path
) -> None:
    files = {"one.csv": "n,m\n1,x\n", "two.csv": "n,m\n2,y\n3,z\n", "other.txt": "t"}
    upload(remote, tmp_path / "people", files, "people")
    table = Dataset.Tabular.from_delimited_files((remote, "people/*.csv"))
    assert table.to_pandas_dataframe()["n"].tolist() == [1, 2, 3]
    assert table.take(1).to_pandas_dataframe()["m"].tolist() == ["x"]
    whole = Dataset.File.from_files((remote, "people"))
    assert whole.to_path() == ["/one.csv", "/other.txt", "/two.csv"]
    assert sorted(map(os.path.basename, whole.download(str(tmp_path / "down")))) == sorted(files)
    with whole.mount(str(tmp_path / "mounted")):
        assert (tmp_path / "mounted" / "other.txt").read_text() == "t"
    large = whole.filter(whole.file_metadata("Size") > 5)
    assert large.to_path() == ["/one.csv", "/two.csv"]

    some = Dataset.File.from_files((remote, "people/*.csv"))
    text = """
    import os, sys
    from azureml.core import Run
    run = Run.get_context()
    print("rows", run.input_datasets["table"].to_pandas_dataframe()["n"].tolist())
    print("whole", sorted(os.listdir(sys.argv[1])), "some", sorted(os.listdir(sys.argv[2])))
    open(os.path.join(sys.argv[3], "new"), "w").write("mine")
    """
    inputs = [
        whole.as_named_input("whole").as_mount(),
        some.as_named_input("some").as_mount(),
        whole.as_named_input("own").as_download(),
        table.as_named_input("table"),
    ]
    reads = step("reads", text, arguments=inputs[:3], inputs=inputs)
    (only,) = ran(workspace, [reads]).get_steps()
    log = only.get_stdout_log()
    assert "rows [1, 2, 3]" in log
    assert "whole ['one.csv', 'other.txt', 'two.csv'] some ['one.csv', 'two.csv']" in log


def test_a_version_knows_its_files_by_their_etags(
    workspace: Workspace, remote: Any, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    upload(remote, tmp_path / "v", {"a.csv": "n\n1\n", "b.csv": "n\n2\n"}, "v")
    table = Dataset.Tabular.from_delimited_files((remote, "v"))
    name = "etags-" + remote.name
    first = table.register(workspace, name)
    record = workspace._client.get("/datasets/" + first.id)
    assert all(each["etag"] and each["digest"] is None for each in record["files"])
    assert table.register(workspace, name, create_new_version=True).version == 1
    Dataset.get_by_name(workspace, name).to_pandas_dataframe()
    assert not [each for each in recwarn if each.category is DatasetChangedWarning]
    upload(remote, tmp_path / "v", {"a.csv": "n\n7\n", "b.csv": "n\n2\n", "c.csv": "n\n3\n"}, "v")
    with pytest.warns(DatasetChangedWarning, match="a.csv is changed, .*c.csv is new"):
        Dataset.get_by_name(workspace, name).to_pandas_dataframe()
    assert table.register(workspace, name, create_new_version=True).version == 2


def test_tables_are_written_to_a_datastore_elsewhere(workspace: Workspace, remote: Any) -> None:
    import pandas as pd

    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"n": [1, 2], "m": ["x", "y"]})
    made = Dataset.Tabular.register_pandas_dataframe(
        frame, (remote, "frames"), "frame-" + remote.name, show_progress=False
    )
    assert made.to_pandas_dataframe()["n"].tolist() == [1, 2]


def test_a_vanished_container_fails_the_step_before_success_is_said(
    workspace: Workspace, blobs: peers.Peer, make_store: Callable[[str], Any], step: Step
) -> None:
    store = make_store("blob")
    from azure.storage.blob import ContainerClient

    container = ContainerClient(
        peers.blob_endpoint(blobs),
        store.container_name,
        credential={"account_name": peers.ACCOUNT, "account_key": peers.KEY},
    )
    container.delete_container()
    made = PipelineData("made", datastore=store)
    text = "import os, sys; os.makedirs(sys.argv[1]); open(sys.argv[1] + '/x', 'w').write('x')"
    run = ran(workspace, [step("writes", text, arguments=[made], outputs=[made])], "Failed")
    (failed,) = run.get_steps()
    assert "output `made` could not be uploaded" in str(failed.get_details())
    assert "is not there" in str(failed.get_details())
