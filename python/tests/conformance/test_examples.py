"""The examples in the docstrings run, on a real server, and the most used classes have one.

Every example of `azureml` and `stepwell` is a test of its own. An example shows what a program
does after its imports and its first lines, so it finds

- the public names of `PACKAGES`, as after `from azureml.core import Run, Workspace, ...`
- `workspace`, its `experiment` ("examples") and its `datastore`
- `sales` and `files`: `data/sales.csv` on the datastore as a table and as files; the table is
  registered as "sales"
- the cluster "cpu-cluster"
- `pipeline`: the steps `prepare`, which writes `clean`, and `train`, with the parameter `rate`
- `search_id`: the id of a search for a model that is over
- in the working directory the files of `FILES`, and `model.pkl`

All examples share one server and one working directory; names that an example gives to what it
registers or writes are its own.
"""

from __future__ import annotations

import copy
import doctest
import os
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from most_used import MOST_USED
from recorded import named

import azureml
import stepwell

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

PACKAGES = [
    "azureml.core",
    "azureml.core.authentication",
    "azureml.core.compute",
    "azureml.core.conda_dependencies",
    "azureml.data",
    "azureml.data.data_reference",
    "azureml.data.datapath",
    "azureml.data.dataset_factory",
    "azureml.pipeline.core",
    "azureml.pipeline.core.graph",
    "azureml.pipeline.steps",
    "azureml.train.automl",
    "azureml.train.automl.run",
    "azureml.train.estimator",
    "azureml.train.hyperdrive",
    "azureml.train.sklearn",
    "azureml.widgets",
    "azureml.core.runconfig",
]

FILES = {
    "data/sales.csv": """\
day,city,amount
2026-01-01,Oslo,10
2026-01-02,Bergen,20
2026-01-03,Oslo,30
""",
    "environment.yml": "dependencies:\n- python=3.11\n- pip:\n  - pandas\n",
    # Writes one file into the folder `--to`.
    "src/prepare.py": """\
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--from", dest="source")
parser.add_argument("--to")
given = parser.parse_args()
if given.to:
    os.makedirs(given.to, exist_ok=True)
    open(os.path.join(given.to, "rows.csv"), "w").write("a,b\\n1,2\\n")
""",
    # Logs the accuracy that a rate comes to.
    "src/train.py": """\
import argparse
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, default=0.1)
given, _ = parser.parse_known_args()
Run.get_context().log("accuracy", 1 - given.rate)
""",
    "src/score.py": "def run(mini_batch):\n    return [each for each in mini_batch]\n",
    "src/count.usql": "",
    "query/query.kql": "print 1",
}


# What is printed on the side while something is submitted or published.
TOLD = ("Created step ", "Submitted PipelineRun ", "Link to the run: ")


class Checker(doctest.OutputChecker):
    """Compares outputs; an example that does not show what is printed on the side need not."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        if not want.startswith(TOLD):
            lines = got.splitlines(keepends=True)
            got = "".join(line for line in lines if not line.startswith(TOLD))
        return super().check_output(want, got, optionflags)


def _examples() -> List[doctest.DocTest]:
    """Every docstring with an example, of the modules whose text has one."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    found: List[doctest.DocTest] = []
    for package in (azureml, stepwell):
        (root,) = {Path(each) for each in package.__path__}
        for path in sorted(root.rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = path.relative_to(root.parent).with_suffix("").parts
                name = ".".join(part for part in parts if part != "__init__")
                found += [each for each in finder.find(import_module(name)) if each.examples]
    return found


EXAMPLES = _examples()


@pytest.fixture(scope="module")
def names(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dict[str, Any]]:
    """What examples find; their server and their folder last for all of them."""
    folder = tmp_path_factory.mktemp("examples")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "model.pkl").write_bytes(pickle.dumps({"rate": 0.1}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("STEPWELL_DATA", str(folder / ".stepwell"))
        patch.setattr(sys, "argv", ["program.py"])
        found = _public_names()
        found.update(_prepared(found))
        yield found
        subprocess.run([os.environ["STEPWELL_BIN"], "stop"], check=False)


def _public_names() -> Dict[str, Any]:
    """The names of `PACKAGES`, of which the first that has a name counts."""
    found: Dict[str, Any] = {"os": os}
    for package in PACKAGES:
        module = import_module(package)
        for name in getattr(module, "__all__", None) or dir(module):
            if not name.startswith("_"):
                found.setdefault(name, getattr(module, name))
    return found


def _prepared(known: Dict[str, Any]) -> Dict[str, Any]:
    """The workspace of the examples, and what is in it before the first of them runs."""
    workspace = known["Workspace"].from_config()
    datastore = workspace.get_default_datastore()
    datastore.upload("data", "sales", show_progress=False)
    make = known["Dataset"]
    sales = make.Tabular.from_delimited_files((datastore, "sales/sales.csv"))
    sales = sales.register(workspace, "sales")
    size = known["AmlCompute"].provisioning_configuration(max_nodes=4)
    known["ComputeTarget"].create(workspace, "cpu-cluster", size)
    experiment = known["Experiment"](workspace, "examples")
    return {
        "workspace": workspace,
        "datastore": datastore,
        "experiment": experiment,
        "sales": sales,
        "files": make.File.from_files((datastore, "sales")),
        "pipeline": _pipeline(known, workspace),
        "search_id": _search(experiment),
    }


def _pipeline(known: Dict[str, Any], workspace: Any) -> Any:
    """The step `train`, which brings `prepare` along since it reads `clean`."""
    clean = known["PipelineData"]("clean")
    known["PythonScriptStep"](
        "prepare.py",
        name="prepare",
        source_directory="src",
        arguments=["--to", clean],
        outputs=[clean],
        compute_target="cpu-cluster",
    )
    rate = known["PipelineParameter"]("rate", default_value=0.1)
    train = known["PythonScriptStep"](
        "train.py",
        name="train",
        source_directory="src",
        arguments=["--rate", rate, "--from", clean],
        inputs=[clean],
        compute_target="cpu-cluster",
    )
    return known["Pipeline"](workspace, [train])


def _search(experiment: Any) -> str:
    """A run that says of itself what a search for a model says; a real one takes too long here."""
    search = experiment.start_logging(outputs=False)
    search.add_properties({"primary_metric": "accuracy"})
    for number, score in enumerate((0.7, 0.9)):
        child = search.child_run()
        child.add_properties({"iteration": number, "run_algorithm": "LightGBM", "score": score})
        child.log("accuracy", score)
        child.upload_file("outputs/model.pkl", "model.pkl")
        child.complete()
    search.set_tags({"automl_best_child_run_id": child.id})
    search.complete()
    return str(search.id)


@pytest.mark.parametrize("example", EXAMPLES, ids=[each.name for each in EXAMPLES])
def test_the_example_does_what_it_says(example: doctest.DocTest, names: Dict[str, Any]) -> None:
    example = copy.copy(example)
    example.globs = {**names, **example.globs}
    printed: List[str] = []
    runner = doctest.DocTestRunner(checker=Checker(), optionflags=OPTIONS)
    result = runner.run(example, out=printed.append)
    assert result.failed == 0, "".join(printed)


@pytest.mark.parametrize("qualified", MOST_USED)
def test_the_class_has_an_example_that_runs(qualified: str) -> None:
    kind = named(qualified)
    (example,) = [each for each in EXAMPLES if each.name == f"{kind.__module__}.{kind.__name__}"]
    assert "\n    Example:\n" in kind.__doc__
    # What comes of it is shown, so that it can be wrong.
    assert any(each.want for each in example.examples)


def test_the_most_used_are_fifty() -> None:
    assert len(set(MOST_USED)) == len(MOST_USED) == 50
