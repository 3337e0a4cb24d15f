"""What every Python of a step runs first, in every Python that this machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

ROOT = Path(__file__).resolve().parents[3]
HOOK = ROOT / "crates" / "compute" / "src" / "staging" / "start"


def _pythons() -> List[str]:
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    versions = (Path(root) / "versions").glob("3.*/bin/python")
    return [sys.executable, *sorted(str(each) for each in versions)]


def _run(python: str, folder: Path, script: str, **variables: str) -> str:
    path = os.pathsep.join([str(HOOK), str(ROOT / "python")])
    # The SDK's compiled files of all these versions would only be in the way.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, script],
        cwd=str(folder),
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        timeout=120,
    )
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "util").mkdir()
    (tmp_path / "util" / "helper.py").write_text("WORD = 'helped'\n")
    return tmp_path


@pytest.mark.parametrize("python", _pythons())
def test_a_script_finds_its_folder_the_working_directory_and_the_launchers_names(
    python: str, folder: Path
) -> None:
    (folder / "jobs" / "a.py").write_text(
        "from util.helper import WORD\n"
        "print(WORD, os.path.basename(sys.path[0]), sys.path[-1] == os.getcwd(), json.dumps(1))\n"
        "print(os.environ.get('STEPWELL_SCRIPT'), __name__)\n"
    )
    printed = _run(python, folder, "jobs/a.py", STEPWELL_SCRIPT="jobs/a.py")
    assert printed == "helped jobs True 1\nNone __main__\n"


@pytest.mark.parametrize("python", _pythons())
def test_the_sdk_runs(python: str, folder: Path) -> None:
    (folder / "log.py").write_text(
        "import multiprocessing\n"
        "from azureml.core import Dataset, Environment, Experiment, Model, Run, Workspace\n"
        "from azureml.data import OutputFileDatasetConfig\n"
        "from azureml.pipeline.core import Pipeline, PipelineData\n"
        "from azureml.pipeline.steps import ParallelRunStep, PythonScriptStep\n"
        "import stepwell._follow, stepwell._metrics, stepwell.client, stepwell._journal\n"
        "Run.get_context().log('x', 1)\n"
        "print('logged')\n"
    )
    assert _run(python, folder, "log.py").endswith("logged\n")


def test_other_programs_do_not_get_the_names(folder: Path) -> None:
    (folder / "a.py").write_text("print(os)\n")
    assert "NameError" in _run(sys.executable, folder, "a.py")


def test_a_traceback_is_the_scripts_own(folder: Path) -> None:
    (folder / "a.py").write_text("1 / 0\n")
    printed = _run(sys.executable, folder, "a.py", STEPWELL_SCRIPT="a.py")
    assert printed.count("File ") == 1 and "a.py" in printed


def test_a_sitecustomize_of_the_environment_runs_too(folder: Path) -> None:
    (folder / "own").mkdir()
    (folder / "own" / "sitecustomize.py").write_text("print('own')\n")
    (folder / "a.py").write_text("print('script')\n")
    path = os.pathsep.join([str(HOOK), str(folder / "own")])
    printed = _run(sys.executable, folder, "a.py", STEPWELL_SCRIPT="a.py", PYTHONPATH=path)
    assert printed == "own\nscript\n"


NUMPY = """
__version__ = {!r}
there = 1
def __getattr__(name):
    raise AttributeError("numpy has no " + name)
"""


def _with_numpy(python: str, folder: Path, release: str, **variables: str) -> List[str]:
    (folder / "jobs" / "numpy").mkdir()
    (folder / "jobs" / "numpy" / "__init__.py").write_text(NUMPY.format(release))
    (folder / "jobs" / "a.py").write_text(
        "import numpy as np\n"
        "for name in ('there', 'float', 'float', 'str', 'nonsense'):\n"
        "    try:\n"
        "        print(getattr(np, name))\n"
        "    except AttributeError as error:\n"
        "        print(error)\n"
    )
    return _run(python, folder, "jobs/a.py", PYTHONUNBUFFERED="1", **variables).splitlines()


@pytest.mark.parametrize("release", ["1.24.0", "1.26.4", "2.3.1"])
def test_numpy_has_the_names_of_pythons_own_again_and_says_so_once(
    release: str, folder: Path
) -> None:
    notice = "[stepwell] numpy {0} has no `np.{1}`: it is Python's `{1}`, as before 1.24"
    assert _with_numpy(sys.executable, folder, release) == [
        "1",
        notice.format(release, "float"),
        "<class 'float'>",
        "<class 'float'>",
        notice.format(release, "str"),
        "<class 'str'>",
        "numpy has no nonsense",
    ]


@pytest.mark.parametrize(
    ("release", "variables"), [("1.23.5", {}), ("1.26.4", {"STEPWELL_OLD_NUMPY_NAMES": "0"})]
)
def test_a_numpy_that_has_them_and_one_that_shall_not_are_left_alone(
    release: str, variables: Dict[str, str], folder: Path
) -> None:
    printed = _with_numpy(sys.executable, folder, release, **variables)
    assert printed == [
        "1",
        *["numpy has no float"] * 2,
        "numpy has no str",
        "numpy has no nonsense",
    ]


@pytest.mark.parametrize("python", _pythons())
@pytest.mark.parametrize("switch", ["1", "0"])
def test_what_scikit_learn_once_had_within_it_is_the_package_itself(
    python: str, switch: str, folder: Path
) -> None:
    externals = folder / "jobs" / "sklearn" / "externals"
    externals.mkdir(parents=True)
    for each in (externals.parent, externals):
        (each / "__init__.py").write_text("")
    (folder / "jobs" / "joblib.py").write_text("there = 1\n")
    (folder / "jobs" / "a.py").write_text(
        "try:\n"
        "    from sklearn.externals import joblib\n"
        "    import sklearn.externals.joblib as again, joblib as own\n"
        "    print(joblib is again is own, own.__name__, own.__spec__.name)\n"
        "    from sklearn.externals import six\n"
        "except ImportError as error:\n"
        "    print(type(error).__name__)\n"
    )
    notice = "[stepwell] scikit-learn has no `sklearn.externals.joblib`: it is the package"
    printed = _run(
        python, folder, "jobs/a.py", PYTHONUNBUFFERED="1", STEPWELL_OLD_SKLEARN_NAMES=switch
    ).splitlines()
    missing = "ImportError"
    if switch == "0":
        assert printed == [missing]
    else:
        said = [f"{notice} `joblib`, as before 0.23", "True joblib joblib"]
        assert printed[:2] == said and len(printed) == 3, printed


@pytest.mark.parametrize("python", _pythons())
def test_every_python_imports_numpy_as_before(python: str, folder: Path) -> None:
    assert _with_numpy(python, folder, "1.16.0")[0] == "1"


PANDAS = """
import pandas as pd
frame = pd.DataFrame(columns=["a", "b"])
frame = frame.append({"b": "x", "a": 1}, ignore_index=True)
frame = frame.append(pd.Series({"a": 2, "b": "y"}, name=7))
frame = frame.append(pd.DataFrame({"a": [3], "c": [0.5]}), ignore_index=True)
frame = frame.append([{"a": 4}, {"a": 5}]).append([])
print(frame["a"].tolist(), frame["b"].tolist()[:2], list(frame), frame.index.tolist())
print([name for name, column in frame.iteritems()], list(pd.Series([1]).iteritems()))
print(pd.Series([1]).append(pd.Series([2]), ignore_index=True).tolist())
for wrong in ({"a": 1}, pd.Series({"a": 1})):
    try:
        frame.append(wrong)
    except TypeError as error:
        print(error)
"""


def test_pandas_has_append_and_iteritems_again_and_says_so_once(folder: Path) -> None:
    release = pytest.importorskip("pandas").__version__
    (folder / "a.py").write_text(PANDAS)
    printed = _run(sys.executable, folder, "a.py", PYTHONUNBUFFERED="1").splitlines()
    said = [line for line in printed if line.startswith("[stepwell]")]
    names = ["DataFrame.append", "DataFrame.iteritems", "Series.iteritems", "Series.append"]
    assert said == [
        f"[stepwell] pandas {release} has no `{name}`: it is done as before 2.0" for name in names
    ]
    assert [line for line in printed if line not in said] == [
        "[1, 2, 3, 4, 5] ['x', 'y'] ['a', 'b', 'c'] [0, 1, 2, 0, 1]",
        "['a', 'b', 'c'] [(0, 1)]",
        "[1, 2]",
        "Can only append a dict if ignore_index=True",
        "Can only append a Series if ignore_index=True or if it has a name",
    ]


OLD_ARGUMENTS = """
import io
import numpy as np
import pandas as pd
frame = pd.DataFrame({"a": [1.0, None, 3.0], "b": ["x", "y", "z"]})
print(list(frame.drop("b", 1)), len(frame.dropna(0)), frame.sort_values("a", 0)["b"].tolist())
print(frame.fillna(method="ffill")["a"].tolist(), frame["a"].fillna(method="bfill").tolist())
print(frame[["a"]].applymap(lambda value: value == 1)["a"].tolist(), frame.as_matrix().shape)
print(dict(frame.mean()), list(frame.corr()), dict(frame.groupby("b").mean()["a"].dropna()))
print(frame["a"].mad(), pd.np is np, pd.datetime(2020, 1, 2).day)
table = "a;b\\n1;2\\n1;2;3\\n"
print(len(pd.read_csv(io.StringIO(table), ";", error_bad_lines=False, warn_bad_lines=False)))
print(pd.read_csv(io.StringIO("a\\n1\\n"), squeeze=True).tolist())
print(len(pd.read_csv(io.StringIO("a b\\n1 2\\n"), delim_whitespace=True).columns))
print(pd.to_datetime(["2020-01-02"], infer_datetime_format=True)[0].day)
print(repr(frame[["b"]].to_csv(index=False, line_terminator="|")))
import pickle
print([pickle.loads(pickle.dumps(each)) is each for each in (pd.read_csv, pd.DataFrame.drop)])
for wrong in (lambda: frame.drop("b", nonsense=1), lambda: frame.fillna(0, method="ffill")):
    try:
        wrong()
    except TypeError as error:
        print("TypeError")
"""


def test_pandas_takes_the_arguments_again_that_it_took(folder: Path) -> None:
    release = pytest.importorskip("pandas").__version__
    if int(release.split(".")[0]) < 3:
        pytest.skip("this release takes some of them by itself")
    (folder / "a.py").write_text(OLD_ARGUMENTS)
    printed = _run(sys.executable, folder, "a.py", PYTHONUNBUFFERED="1", PYTHONWARNINGS="ignore")
    lines = printed.splitlines()
    said = [line for line in lines if line.startswith("[stepwell]")]
    assert [line for line in lines if line not in said] == [
        "['a'] 2 ['x', 'z', 'y']",
        "[1.0, 1.0, 3.0] [1.0, 3.0, 3.0]",
        "[True, False, False] (3, 2)",
        "{'a': np.float64(2.0)} ['a'] {'x': np.float64(1.0), 'z': np.float64(3.0)}",
        "1.0 True 2",
        "1",
        "[1]",
        "2",
        "2",
        "'b|x|y|z|'",
        "[True, True]",
        "TypeError",
        "TypeError",
    ]
    assert len(said) == len(set(said))
    assert f"[stepwell] pandas {release} has no `drop(axis)`: it is done as before 2.0" in said


def test_a_pandas_that_shall_not_have_them_is_left_alone(folder: Path) -> None:
    pytest.importorskip("pandas")
    (folder / "a.py").write_text(
        "import pandas as pd\n"
        "print(hasattr(pd.DataFrame(), 'append'), hasattr(pd.Series, 'iteritems'))\n"
    )
    printed = _run(sys.executable, folder, "a.py", STEPWELL_OLD_PANDAS_NAMES="0")
    assert printed == "False False\n"
