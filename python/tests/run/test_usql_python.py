"""The Python extension of U-SQL: `REDUCE ... USING new Extension.Python.Reducer`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import programs
import pytest

from azureml.core import Experiment, Workspace
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import AdlaStep

SCRIPT = """
REFERENCE ASSEMBLY [ExtPython];
DEPLOY RESOURCE "/ends.py";
DECLARE @script = @"{python}";
@t = SELECT * FROM (VALUES ("D2", "b", 2, (int?)7, 0.5), ("D1", "a", 1, (int?)null, 1.5),
     ("D2", "c", 3, (int?)8, 2.5), ("D1", (string)null, 4, (int?)9, 3.5)) AS v(day, text, n, m, f);
@m = REDUCE @t PRESORT n DESC ON day PRODUCE day string, texts string, total long, m int?, f double?
     USING new Extension.Python.Reducer(pyScript: @script);
OUTPUT @m TO "{output}" ORDER BY day USING Outputters.Csv(quoting: false);
"""

# Null is NA; what is missing comes back as null. The index begins at 0 in every group.
REDUCE = """
import ends, pandas
def usqlml_main(df):
    assert list(df.index) == list(range(len(df)))
    print('this goes to the log')
    texts = ','.join(str(text) + ends.MARK for text in df.text if text is not None)
    m = df.m.dropna().sum() if df.m.isna().sum() == 0 else None
    f = float('nan') if df.day[0] == 'D1' else df.f.sum()
    row = {'total': [df.n.sum()], 'day': df.day[:1], 'texts': texts, 'm': m, 'f': f}
    return pandas.DataFrame(row)
"""
REDUCED = "D1,a!,5,,\r\nD2,c!,b!,5,15,3\r\n"


def run(folder: Path, python: str) -> Any:
    """Runs the script with a Python of its own; what the program says as JSON, or the output."""
    (folder / "ends.py").write_text("MARK = '!'\n")
    (folder / "job.usql").write_text(SCRIPT.format(python=python, output="/out.csv"))
    line = ["stepwell-usql", "run", "job.usql", "--json", "--python", sys.executable]
    ended = subprocess.run(line, cwd=str(folder), capture_output=True, text=True)
    if ended.returncode == 0:
        return (folder / "out.csv").read_bytes().decode(), ended.stderr
    record: Dict[str, Any] = json.loads(ended.stdout)
    return record["diagnostics"][0]["message"]


def test_the_script_may_be_a_deployed_file_and_columns_have_the_types_of_the_input(
    tmp_path: Path,
) -> None:
    (tmp_path / "code.usql.py").write_text(
        "def usqlml_main(df):\n    df['m'] = df.n * 2\n    return df\n"
    )
    (tmp_path / "job.usql").write_text(
        """DEPLOY RESOURCE "/code.usql.py";
        @t = SELECT * FROM (VALUES ("b", 2), ("a", 1)) AS v(day, n);
        @m = REDUCE @t ON day PRODUCE day, m int, n READONLY day
             USING new Extension.Python.Reducer("code.usql.py", pyVersion: "3.5.1");
        OUTPUT @m TO "/out.csv" ORDER BY day USING Outputters.Csv(quoting: false);"""
    )
    line = ["stepwell-usql", "run", "job.usql", "--python", sys.executable]
    subprocess.run(line, cwd=str(tmp_path), check=True)
    assert (tmp_path / "out.csv").read_bytes() == b"a,2,1\r\nb,4,2\r\n"


def test_groups_are_frames_and_come_back_as_rows(tmp_path: Path) -> None:
    rows, log = run(tmp_path, REDUCE)
    assert rows == REDUCED
    assert log.count("this goes to the log") == 2


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("def usqlml_main(df):\n    return df", "the result has no column texts"),
        ("x = 1", "the Python script has no function usqlml_main(df)"),
        ("def usqlml_main(df):\n    return 1", "usqlml_main returned int, and no DataFrame"),
        (
            "def usqlml_main(df):\n    return 1 / 0",
            "line 2 of the Python script: ZeroDivisionError: division by zero",
        ),
        ("def", "line 1 of the Python script: SyntaxError"),
        ("import none_such", "line 1 of the Python script: ModuleNotFoundError"),
        ("import os\nos._exit(3)", "Python ended without a word"),
        (
            "def usqlml_main(df):\n    df['texts'] = df['total'] = 'x'\n    return df",
            "column `total` of the result: `x` is not of type `long`",
        ),
    ],
)
def test_what_is_wrong_in_python_is_said(tmp_path: Path, python: str, said: str) -> None:
    assert said in run(tmp_path, python)


def test_a_step_runs_python_of_the_environment_it_is_installed_in(project: Path) -> None:
    workspace = Workspace.from_config()
    store = workspace.get_default_datastore()
    (project / "ends.py").write_text("MARK = '!'\n")
    store.upload_files([str(project / "ends.py")], show_progress=False)
    out = PipelineData("out", datastore=store)
    programs.write(project, "reduce.usql", SCRIPT.format(python=REDUCE, output="@@out@@"))
    usql = AdlaStep(
        "reduce.usql", source_directory=str(project / "src"), outputs=[out], compute_target="adla"
    )
    text = f"import sys; assert open(sys.argv[1], newline='').read() == {REDUCED!r}"
    read = programs.step(project, "read", text, arguments=[out], inputs=[out])
    run = Experiment(workspace, project.name).submit(Pipeline(workspace, steps=[usql, read]))
    assert run.wait_for_completion(show_output=False) == "Finished"
