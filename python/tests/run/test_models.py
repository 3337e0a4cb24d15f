"""The model registry on the real server."""

from __future__ import annotations

from pathlib import Path

import programs
import pytest

from azureml.core import Model, Workspace
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
    assert sorted(str(p.relative_to(got)) for p in got.rglob("*.txt")) == ["a.txt", "inner/b.txt"]


def test_get_model_path_fetches_once(project: Path) -> None:
    _register(project)
    path = Path(Model.get_model_path(project.name))
    assert path == Path("azureml-models") / project.name / "1" / "model.txt"
    path.write_text("kept")
    assert Path(Model.get_model_path(project.name, version=1)).read_text() == "kept"
    with pytest.raises(ModelNotFoundException):
        Model.get_model_path("nobody-" + project.name)


def test_tags_and_properties_change_as_they_may(project: Path) -> None:
    model = _register(project, tags={"a": "1"}, properties={"p": "1"})
    model.add_tags({"b": 2})
    model.remove_tags(["a"])
    model.add_properties({"q": "2"})
    model.update(description="better")
    read = Model(Workspace.from_config(), project.name)
    assert (read.tags, read.properties) == ({"b": "2"}, {"p": "1", "q": "2"})
    assert read.description == "better"
    model.update(tags={"only": "this"})
    assert Model(Workspace.from_config(), project.name).tags == {"only": "this"}
    model.delete()
    with pytest.raises(WebserviceException, match="ModelNotFound"):
        Model(Workspace.from_config(), project.name)


def test_a_script_registers_what_it_has_just_written(project: Path) -> None:
    run = programs.submit(
        project,
        """
        import os
        os.makedirs('outputs', exist_ok=True)
        open('outputs/model.txt', 'w').write('from the script')
        model = run.register_model('{}', 'outputs/model.txt', tags={{'by': 'script'}})
        print(model.name, model.version, model.run_id == run.id)
        """.format(project.name),
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
