"""Parallel steps on the real server, written as v1 programs write them."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any, Dict, List

import programs
import pytest

import stepwell
from azureml.core import Dataset, Environment, Experiment, Model, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.data.dataset_factory import DataType
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep
from azureml.widgets import ParallelRunStepDetails

pd = pytest.importorskip("pandas")

# Where the SDK of these tests is.
SDK = str(Path(stepwell.__file__).parents[1])


def config(project: Path, script: str, **changes: Any) -> ParallelRunConfig:
    """A configuration whose workers run `script` with this interpreter."""
    environment = Environment("workers")
    environment.python.user_managed_dependencies = True
    given: Dict[str, Any] = {
        "environment": environment,
        "entry_script": programs.write(project, "entry.py", script),
        "source_directory": str(project / "src"),
        "error_threshold": 0,
        "output_action": "append_row",
        "compute_target": "cpu-cluster",
        "node_count": 1,
        "process_count_per_node": 2,
    }
    return ParallelRunConfig(**{**given, **changes})


def submit(project: Path, *steps: Any, **parameters: Any) -> Any:
    pipeline = Pipeline(Workspace.from_config(), steps=list(steps))
    run = Experiment(Workspace.from_config(), project.name).submit(
        pipeline, pipeline_parameters=parameters
    )
    run.wait_for_completion(show_output=False)
    return run


def rows_of(run: Any, project: Path, output: str, name: str = "parallel_run_step.txt") -> List[str]:
    """The lines of the file of rows, as every tutorial finds them."""
    (step,) = run.find_step_run("score")
    target = project / uuid.uuid4().hex
    step.get_output_data(output).download(local_path=str(target))
    for root, _, files in os.walk(target):
        for file in files:
            if file.endswith(name):
                return (Path(root) / file).read_text().splitlines()
    raise AssertionError("the output has no {}: {}".format(name, list(target.rglob("*"))))


def upload(project: Path, files: Dict[str, str]) -> Any:
    """A datastore and a folder of it with these files."""
    store = Workspace.from_config().get_default_datastore()
    for name, text in files.items():
        path = Path(store._folder(), project.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return store, project.name


LISTS_FILES = """
import os

def run(mini_batch):
    return ["{} of {}".format(os.path.basename(path), len(mini_batch)) for path in mini_batch]
"""


def test_a_hundred_files_are_scored_by_a_registered_model(project: Path) -> None:
    joblib = pytest.importorskip("joblib")
    linear = pytest.importorskip("sklearn.linear_model")
    workspace = Workspace.from_config()
    model = linear.LinearRegression().fit([[0], [1], [2]], [1, 3, 5])
    joblib.dump(model, str(project / "model.pkl"))
    Model.register(workspace, str(project / "model.pkl"), project.name, tags={"kind": "line"})

    files = {f"{n:03d}.csv": f"x\n{n}\n" for n in range(100)}
    rows = Dataset.File.from_files(upload(project, files))
    rows = rows.register(workspace, project.name)
    scoring = config(
        project,
        """
        import argparse, os
        import joblib
        import pandas as pd
        from azureml.core.model import Model

        def init():
            global model
            parser = argparse.ArgumentParser()
            parser.add_argument('--model_name')
            args, _ = parser.parse_known_args()
            model = joblib.load(Model.get_model_path(args.model_name))

        def run(mini_batch):
            result = []
            for path in mini_batch:
                predicted = model.predict(pd.read_csv(path)[['x']].values)
                result.append('{}: {:.0f}'.format(os.path.basename(path), predicted[0]))
            return result
        """,
        mini_batch_size="5",
    )
    output_dir = PipelineData(name="inferences", datastore=workspace.get_default_datastore())
    step = ParallelRunStep(
        name="score",
        parallel_run_config=scoring,
        inputs=[rows.as_named_input("rows")],
        output=output_dir,
        arguments=["--model_name", project.name],
        allow_reuse=True,
    )
    run = submit(project, step)
    assert run.get_status() == "Finished", run.get_details()
    lines = rows_of(run, project, "inferences")
    assert sorted(lines) == [f"{n:03d}.csv: {2 * n + 1}" for n in range(100)]
    assert len(lines) == 100
    results = pd.DataFrame([line.split(":") for line in lines], columns=["file", "score"])
    assert results["score"].astype(int).sum() == sum(2 * n + 1 for n in range(100))

    # Nothing has changed, so nothing is scored again.
    again = submit(project, step)
    assert rows_of(again, project, "inferences") == lines
    (reused,) = again.find_step_run("score")
    assert reused._fresh()["reused_from"] == run.find_step_run("score")[0].id


def test_a_table_is_cut_by_bytes_and_its_frames_are_written_as_rows(project: Path) -> None:
    text = "n,name\n" + "".join(f"{n},row {n}\n" for n in range(2000))
    table = Dataset.Tabular.from_delimited_files(upload(project, {"a.csv": text, "b.csv": text}))
    script = """
        import pandas as pd

        def run(mini_batch):
            assert isinstance(mini_batch, pd.DataFrame)
            kept = mini_batch[mini_batch['n'] >= 0]
            return kept.assign(size=len(mini_batch))[['n', 'size']]
        """
    scores = OutputFileDatasetConfig(name="scores")
    step = ParallelRunStep(
        name="score",
        parallel_run_config=config(
            project, script, mini_batch_size="1KB", append_row_file_name="all.txt"
        ),
        inputs=[table.as_named_input("rows")],
        output=scores,
    )
    run = submit(project, step)
    assert run.get_status() == "Finished", run.get_details()
    lines = rows_of(run, project, "scores", "all.txt")
    values = [[int(float(each)) for each in line.split(" ")] for line in lines]
    assert sorted(n for n, _ in values) == sorted([*range(2000), *range(2000)])
    assert max(size for _, size in values) < 500, "about a kilobyte at once"


def test_one_model_for_each_key_is_trained_and_registered_by_its_worker(project: Path) -> None:
    """Many models: what v1's solution accelerator does."""
    workspace = Workspace.from_config()
    sales = "".join(
        f"{store},{brand},{10 * place + n}\n"
        for place, store in enumerate("abc")
        for brand in ("x", "y")
        for n in range(5)
    )
    table = Dataset.Tabular.from_delimited_files(
        upload(project, {"sales.csv": "store,brand,sold\n" + sales}),
        set_column_types={"sold": DataType.to_float()},
    )
    script = """
        import argparse, os
        import joblib
        from azureml.core import Run

        def run(mini_batch):
            parser = argparse.ArgumentParser()
            parser.add_argument('--prefix')
            args, _ = parser.parse_known_args()
            current_run = Run.get_context()
            (store,), (brand,) = mini_batch['store'].unique(), mini_batch['brand'].unique()
            name = '{}-{}-{}'.format(args.prefix, store, brand)
            os.makedirs('outputs', exist_ok=True)
            joblib.dump(mini_batch['sold'].mean(), os.path.join('outputs', name + '.pkl'))
            current_run.upload_file('models/' + name, os.path.join('outputs', name + '.pkl'))
            model = current_run.register_model(
                model_path='models/' + name,
                model_name=name,
                model_framework='Mean',
                tags={'store': store, 'brand': brand, 'rows': len(mini_batch)},
            )
            return ['{} {}'.format(name, model.version)]
        """
    step = ParallelRunStep(
        name="score",
        # One result for all rows of a key: the others count as failed, as they did in v1.
        parallel_run_config=config(
            project,
            script,
            partition_keys=["store", "brand"],
            run_max_try=1,
            error_threshold=-1,
            allowed_failed_count=0,
        ),
        inputs=[table.as_named_input("sales")],
        output=OutputFileDatasetConfig(name="made"),
        arguments=["--prefix", project.name],
    )
    run = submit(project, step)
    assert run.get_status() == "Finished", run.get_details()
    names = [f"{project.name}-{store}-{brand}" for store in "abc" for brand in "xy"]
    assert sorted(rows_of(run, project, "made")) == [name + " 1" for name in names]
    (trained,) = run.find_step_run("score")
    models = Model.list(workspace, run_id=trained.id)
    assert sorted(model.name for model in models) == names
    model = Model(workspace, project.name + "-b-y")
    assert model.tags == {"store": "b", "brand": "y", "rows": "5"}
    joblib = pytest.importorskip("joblib")
    assert joblib.load(model.download(str(project / "got"))) == 12


def test_files_are_grouped_by_what_their_paths_say(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {f"{year}/{shop}/{n}.csv": "" for year in (1, 2) for shop in "ab" for n in "34"}
    store, folder = upload(project, files)
    shops = Dataset.File.from_files((store, folder + "/**"), partition_format="{year}/{shop}/*.csv")
    script = """
        def run(mini_batch):
            return ['|'.join(sorted(path.replace('\\\\', '/')[-9:] for path in mini_batch))]
        """
    step = ParallelRunStep(
        name="score",
        parallel_run_config=config(project, script, partition_keys=["shop"], error_threshold=-1),
        inputs=[shops.as_named_input("shops")],
        output=PipelineData("grouped"),
    )
    run = submit(project, step)
    assert run.get_status() == "Finished", run.get_details()
    expected = ["|".join(f"{y}/{shop}/{n}.csv" for y in (1, 2) for n in "34") for shop in "ab"]
    assert sorted(rows_of(run, project, "grouped")) == expected
    details = ParallelRunStepDetails(workspace=Workspace.from_config(), run_id=run.id)
    assert details.step_run.id == run.find_step_run("score")[0].id
    assert ParallelRunStepDetails(details.step_run).step_run is details.step_run
    capsys.readouterr()
    details.show()
    shown = capsys.readouterr().out
    assert "step score: Finished" in shown and "mini-batches: 2 of 2 done, 0 failed" in shown
    with pytest.raises(UserErrorException, match="no parallel steps named other"):
        ParallelRunStepDetails(run, step_name="other")


def test_what_an_earlier_step_wrote_is_cut_and_settings_can_be_chosen(project: Path) -> None:
    written = OutputFileDatasetConfig(name="written")
    write = programs.step(
        project,
        "write",
        """
        import os, sys
        for n in range(6):
            with open(os.path.join(sys.argv[1], '{}.txt'.format(n)), 'w') as file:
                file.write(str(n))
        """,
        arguments=[written],
    )
    size = PipelineParameter("size", "2")
    step = ParallelRunStep(
        name="score",
        parallel_run_config=config(project, LISTS_FILES, mini_batch_size=size),
        inputs=[written.as_input("texts")],
        output=PipelineData("listed"),
    )
    run = submit(project, write, step)
    expected = [f"{n}.txt of 2" for n in range(6)]
    assert sorted(rows_of(run, project, "listed")) == expected
    run = submit(project, write, step, size="3")
    expected = [f"{n}.txt of 3" for n in range(6)]
    assert sorted(rows_of(run, project, "listed")) == expected

    workspace = Workspace.from_config()
    published = Pipeline(workspace, [write, step]).publish(name=project.name)
    run = published.submit(workspace, project.name, pipeline_parameters={"size": "6"})
    run.wait_for_completion(show_output=False)
    expected = [f"{n}.txt of 6" for n in range(6)]
    assert sorted(rows_of(run, project, "listed")) == expected


def test_a_submission_chooses_the_table_that_is_cut(project: Path) -> None:
    store, folder = upload(project, {"a.csv": "n\n1\n2\n", "b.csv": "n\n3\n"})
    first, second = (
        Dataset.Tabular.from_delimited_files((store, f"{folder}/{name}.csv")) for name in "ab"
    )
    chosen = PipelineParameter("table", first)
    script = """
        def run(mini_batch):
            return mini_batch['n'].tolist()
        """
    step = ParallelRunStep(
        name="score",
        parallel_run_config=config(project, script),
        inputs=[DatasetConsumptionConfig("rows", chosen)],
        output=PipelineData("numbers"),
    )
    assert sorted(rows_of(submit(project, step), project, "numbers")) == ["1", "2"]
    run = submit(project, step, table=second)
    assert rows_of(run, project, "numbers") == ["3"]


def test_rows_are_only_counted_and_side_inputs_are_whole(project: Path) -> None:
    store, folder = upload(project, {f"rows/{n}": "" for n in range(4)})
    upload(project, {"labels/a": "A", "labels/b": "B"})
    labels = Dataset.File.from_files((store, folder + "/labels"))
    script = """
        import os, sys
        from azureml.core import Run

        def init():
            parsed = dict(zip(sys.argv[1::2], sys.argv[2::2]))
            assert sorted(os.listdir(parsed['--labels'])) == ['a', 'b'], sys.argv
            assert os.environ['GREETING'] == 'hello'

        def run(mini_batch):
            run = Run.get_context()
            run.log('seen', len(mini_batch))
            return mini_batch
        """
    labels_input = labels.as_named_input("labels").as_mount()
    step = ParallelRunStep(
        name="score",
        parallel_run_config=config(
            project,
            script,
            output_action="summary_only",
            mini_batch_size=1,
            environment_variables={"GREETING": "hello"},
        ),
        inputs=[Dataset.File.from_files((store, folder + "/rows")).as_named_input("rows")],
        side_inputs=[labels_input],
        arguments=["--labels", labels_input],
    )
    run = submit(project, step)
    assert run.get_status() == "Finished", run.get_details()
    (scored,) = run.find_step_run("score")
    assert scored.get_outputs() == {}
    assert scored.get_metrics()["seen"] == [1, 1, 1, 1]


def test_items_that_fail_end_the_run_beyond_the_threshold(project: Path) -> None:
    files = {f"{n}.txt": "" for n in range(10)}
    rows = Dataset.File.from_files(upload(project, files))
    script = """
        def run(mini_batch):
            if mini_batch[0].endswith('7.txt'):
                raise ValueError('no sevens')
            return mini_batch
        """
    for threshold, status in ((1, "Finished"), (0, "Failed")):
        step = ParallelRunStep(
            name="score",
            parallel_run_config=config(
                project, script, mini_batch_size=1, run_max_try=2, error_threshold=threshold
            ),
            inputs=[rows.as_named_input("rows")],
            output=PipelineData("rows_out"),
        )
        pipeline = Pipeline(Workspace.from_config(), steps=[step])
        run = Experiment(Workspace.from_config(), project.name).submit(pipeline)
        run.wait_for_completion(show_output=False, raise_on_error=False)
        assert run.get_status() == status
        if status == "Finished":
            assert len(rows_of(run, project, "rows_out")) == 9


def test_the_workers_of_an_isolated_target_see_no_data_folder(project: Path) -> None:
    workspace = Workspace.from_config()
    isolation = {"settings": {"isolation": {"readable": [SDK]}}}
    workspace._client.put("/computes/guarded", isolation)
    scoring = config(
        project,
        """
        import os

        def run(mini_batch):
            try:
                seen = os.listdir(os.environ["STEPWELL_DATA"])
            except PermissionError:
                seen = "nothing"
            return ["{} {}".format(seen, open(path).read()) for path in mini_batch]
        """,
        compute_target="guarded",
    )
    output = PipelineData("rows", datastore=workspace.get_default_datastore())
    data = Dataset.File.from_files(upload(project, {name: name for name in "abc"}))
    step = ParallelRunStep(
        name="score",
        parallel_run_config=scoring,
        inputs=[data.as_named_input("files")],
        output=output,
    )
    rows = rows_of(submit(project, step), project, "rows")
    assert sorted(rows) == ["nothing a", "nothing b", "nothing c"]
