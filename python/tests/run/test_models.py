"""The model registry on the real server."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List

import programs
import pytest

from azureml.core import Dataset, Model, Workspace
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
)


def _register(project: Path, content: str = "weights", **options: object) -> Model:
    (project / "model.txt").write_text(content)
    return Model.register(
        Workspace.from_config(), str(project / "model.txt"), project.name, **options
    )


def test_a_file_becomes_versions_of_a_model(project: Path) -> None:
    first = _register(project, tags={"stage": "dev"}, description="d")
    second = _register(project, "other", model_framework=Model.Framework.SCIKITLEARN)
    assert (first.version, second.version, second.id) == (1, 2, project.name + ":2")
    workspace = Workspace.from_config()
    assert Model(workspace, project.name).version == 2
    assert Model(workspace, project.name, version=1).description == "d"
    assert Model(workspace, id=project.name + ":1").tags == {"stage": "dev"}
    listed = Model.list(workspace, project.name, tags=[["stage", "dev"]])
    assert [model.version for model in listed] == [1]
    assert [model.version for model in Model.list(workspace, project.name)] == [2, 1]
    assert [model.version for model in Model.list(workspace, project.name, latest=True)] == [2]
    assert workspace.models[project.name].model_framework == "ScikitLearn"


def test_a_model_comes_back_as_the_file_or_folder_it_was(project: Path) -> None:
    file = _register(project)
    path = file.download(str(project / "got"))
    assert Path(path) == project / "got" / "model.txt" and Path(path).read_text() == "weights"
    with pytest.raises(WebserviceException, match="exist_ok"):
        file.download(str(project / "got"))
    file.download(str(project / "got"), exist_ok=True)

    folder = project / "deep"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "inner" / "b.txt").write_text("b")
    model = Model.register(Workspace.from_config(), str(folder), project.name + "-deep")
    got = Path(model.download(str(project / "all")))
    assert got == project / "all" / "deep"
    assert sorted(str(p.relative_to(got)) for p in got.rglob("*.txt")) == ["a.txt", "inner/b.txt"]


def test_a_folder_is_registered_whole_or_as_the_paths_that_are_named(project: Path) -> None:
    folder = project / "net"
    (folder / "inner").mkdir(parents=True)
    for name in (".amlignore", "weights.bin", "inner/config", "inner/notes"):
        (folder / name).write_text("*")
    workspace = Workspace.from_config()
    whole = Model.register(workspace, str(folder), project.name)
    assert _names(whole) == [
        "net/.amlignore",
        "net/inner/config",
        "net/inner/notes",
        "net/weights.bin",
    ]
    inner = ["./weights.bin", str(folder / "inner" / "config")]
    some = Model.register(workspace, str(folder), project.name, child_paths=inner)
    assert _names(some) == ["net/inner/config", "net/weights.bin"]
    one = Model.register(workspace, str(folder), project.name, child_paths=["weights.bin"])
    assert Path(one.download(str(project / "got"))) == project / "got" / "net"
    for wrong in (["none"], ["../" + project.name]):
        with pytest.raises(ModelPathNotFoundException):
            Model.register(workspace, str(folder), project.name, child_paths=wrong)
    (folder / "empty").mkdir()
    with pytest.raises(UserErrorException, match="no files"):
        Model.register(workspace, str(folder / "empty"), project.name)


def _names(model: Model) -> List[str]:
    return [file["name"] for file in model._record["files"]]


def test_equal_files_are_stored_once(project: Path, served: Path) -> None:
    content = os.urandom(3_000_000)
    for number in range(3):
        (project / f"weights-{number}.bin").write_bytes(content)
        path = str(project / f"weights-{number}.bin")
        Model.register(Workspace.from_config(), path, project.name)
    objects = (served / ".stepwell").rglob("*")
    assert len([each for each in objects if each.is_file() and each.stat().st_size == 3e6]) == 1


def test_registrations_at_once_get_versions_of_their_own(project: Path) -> None:
    (project / "model.txt").write_text("weights")
    workspace = Workspace.from_config()

    def register(number: int) -> int:
        tags = {"number": number}
        return Model.register(workspace, str(project / "model.txt"), project.name, tags).version

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(register, range(16)))
    assert sorted(versions) == list(range(1, 17))
    for number, version in enumerate(versions):
        assert Model(workspace, project.name, version=version).tags == {"number": str(number)}


def test_get_model_path_fetches_once(project: Path) -> None:
    _register(project)
    path = Path(Model.get_model_path(project.name))
    assert path == Path("azureml-models") / project.name / "1" / "model.txt"
    path.write_text("kept")
    assert Path(Model.get_model_path(project.name, version=1)).read_text() == "kept"
    with pytest.raises(ModelNotFoundException):
        Model.get_model_path("nobody-" + project.name)
    _register(project, "newer")
    assert Path(Model.get_model_path(project.name)).read_text() == "newer"
    (project / "by-hand").write_text("here")
    assert Model.get_model_path("by-hand") == "by-hand"


def test_get_model_path_gives_a_folder_under_its_own_name_to_all_who_ask(project: Path) -> None:
    (project / "net").mkdir()
    for number in range(8):
        (project / "net" / str(number)).write_text(str(number))
    Model.register(Workspace.from_config(), str(project / "net"), project.name)
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: Model.get_model_path(project.name), range(8)))
    assert paths == {os.path.join("azureml-models", project.name, "1", "net")}
    assert sorted(os.listdir(paths.pop())) == [str(number) for number in range(8)]
    assert os.listdir(project / "azureml-models" / project.name) == ["1"]


def test_models_are_found_by_what_is_known_of_them(project: Path) -> None:
    workspace = Workspace.from_config()
    _register(project, tags={"stage": "dev"}, properties={"auc": "0.8"})
    _register(project, tags={"stage": "prod", "owner": "ada"}, model_framework="Onnx")
    _register(project, tags={"stage": "dev"}, properties={"auc": "0.9"})

    def versions(**wanted: object) -> List[int]:
        return [model.version for model in Model.list(workspace, project.name, **wanted)]

    assert versions(tags=["stage"], page_count=1) == [3, 2, 1]
    assert versions(tags=[["stage", "prod"], "owner"]) == [2]
    assert versions(properties=[["auc", "0.8"]]) == [1]
    assert versions(properties=["auc"], latest=True) == [3]
    assert versions(model_framework="Onnx") == [2]
    assert Model(workspace, project.name, tags=[["stage", "prod"]]).version == 2
    assert Model(workspace, project.name, properties=[["auc", "0.8"]]).version == 1
    assert Model(workspace, project.name, version=1, tags=[["stage", "dev"]]).version == 1
    with pytest.raises(WebserviceException, match="ModelNotFound"):
        Model(workspace, project.name, version=1, tags=[["stage", "prod"]])
    with pytest.raises(WebserviceException, match="churn:3"):
        Model(workspace, id=project.name)


def test_a_model_remembers_its_datasets_and_what_it_needs(project: Path) -> None:
    workspace = Workspace.from_config()
    (project / "rows").mkdir()
    (project / "rows" / "a.csv").write_text("x\n1\n")
    store = workspace.get_default_datastore()
    rows = Dataset.File.upload_directory(str(project / "rows"), (store, project.name))
    table = Dataset.Tabular.from_delimited_files((store, project.name + "/a.csv"))
    model = _register(
        project,
        datasets=[("training data", rows)],
        sample_input_dataset=table,
        resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
    )
    model.add_dataset_references([("scoring data", table), ("training data", rows)])
    read = Model(workspace, project.name)
    assert {use: len(each) for use, each in read.datasets.items()} == {
        "training data": 1,
        "scoring data": 1,
    }
    assert read.sample_input_dataset.to_pandas_dataframe()["x"].tolist() == [1]
    assert read.sample_output_dataset is None
    assert (read.resource_configuration.cpu, read.resource_configuration.gpu) == (1, None)
    listed = Model.list(workspace, dataset_id=rows._saved_id(workspace))
    assert [each.name for each in listed] == [project.name]
    assert read.serialize()["datasets"][0]["name"] == "training data"
    assert Model.deserialize(workspace, read.serialize()).version == 1
    with pytest.raises(UserErrorException, match="pairs"):
        model.add_dataset_references([rows])


def test_tags_and_properties_change_as_they_may(project: Path) -> None:
    model = _register(project, tags={"a": "1"}, properties={"p": "1"})
    model.add_tags({"b": 2})
    model.remove_tags(["a"])
    model.add_properties({"q": "2"})
    model.add_properties({"p": "1"})
    with pytest.raises(WebserviceException, match="property `p` .* is `1` and cannot become"):
        model.add_properties({"p": "2"})
    model.update(description="better")
    read = Model(Workspace.from_config(), project.name)
    assert (read.tags, read.properties) == ({"b": "2"}, {"p": "1", "q": "2"})
    assert read.description == "better"
    model.update(tags={"only": "this"})
    assert Model(Workspace.from_config(), project.name).tags == {"only": "this"}
    model.delete()
    with pytest.raises(WebserviceException, match="ModelNotFound"):
        Model(Workspace.from_config(), project.name)
    with pytest.raises(WebserviceException, match="there is no model"):
        model.delete()
    assert _register(project).version == 2


def test_a_script_registers_local_files_and_its_run_leads_to_the_models(project: Path) -> None:
    run = programs.submit(
        project,
        f"""
        import os
        from azureml.core import Model
        open('near.txt', 'w').write('beside the script')
        run.register_model('{project.name}-a', 'near.txt')
        os.makedirs('net', exist_ok=True)
        open('net/w', 'w').write('w')
        Model.register(run.experiment.workspace, 'net', '{project.name}-b')
        print(open(Model.get_model_path('{project.name}-a')).read())
        print(Model.get_model_path('{project.name}-b', version=1))
        """,
    )
    run.wait_for_completion()
    workspace = Workspace.from_config()
    made = Model.list(workspace, run_id=run.id)
    assert {model.name: model.run.id for model in made} == {
        project.name + "-a": run.id,
        project.name + "-b": run.id,
    }
    log = run.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"]
    assert "beside the script" in log
    assert os.path.join("azureml-models", project.name + "-b", "1", "net") in log


def test_the_command_line_knows_the_models(project: Path, served: Path) -> None:
    _register(project, tags={"stage": "dev"}, description="about it")
    _register(project, "newer")

    def stepwell(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [os.environ["STEPWELL_BIN"], *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    listed = json.loads(stepwell("models", "list", "--name", project.name, "--json").stdout)
    assert [each["version"] for each in listed] == [2, 1]
    tagged = stepwell("models", "--name", project.name, "--tag", "stage=dev", "--json")
    assert [each["version"] for each in json.loads(tagged.stdout)] == [1]
    assert "about it" in stepwell("models", "show", project.name + ":1").stdout
    got = stepwell("models", "download", project.name, "--to", "got")
    assert (got.returncode, got.stdout.strip()) == (0, "got/model.txt"), got.stderr
    assert (project / "got" / "model.txt").read_text() == "newer"
    again = stepwell("models", "download", project.name + ":1", "--to", "got")
    assert (again.returncode, "--overwrite" in again.stderr) == (5, True), again
    stepwell("models", "download", project.name + ":1", "--to", "got", "--overwrite")
    assert (project / "got" / "model.txt").read_text() == "weights"
    unknown = stepwell("models", "show", "nobody-" + project.name)
    hint = f"did you mean `{project.name}`"
    assert (unknown.returncode, hint in unknown.stderr) == (3, True), unknown


def test_a_script_registers_what_it_has_just_written(project: Path) -> None:
    run = programs.submit(
        project,
        f"""
        import os
        os.makedirs('outputs', exist_ok=True)
        open('outputs/model.txt', 'w').write('from the script')
        model = run.register_model('{project.name}', 'outputs/model.txt', tags={{'by': 'script'}})
        print(model.name, model.version, model.run_id == run.id)
        """,
    )
    run.wait_for_completion()
    model = Model(Workspace.from_config(), project.name)
    assert (model.run_id, model.experiment_name) == (run.id, project.name)
    assert Path(model.download(str(project / "got"))).read_text() == "from the script"
    again = run.register_model(project.name, "outputs/model.txt")
    assert again.version == 2
    with pytest.raises(UserErrorException, match="outputs/none"):
        run.register_model(project.name, "outputs/none")


def test_a_path_that_is_not_there_is_refused(project: Path) -> None:
    with pytest.raises(ModelPathNotFoundException):
        Model.register(Workspace("s", "g", "w"), str(project / "none"), "m")
