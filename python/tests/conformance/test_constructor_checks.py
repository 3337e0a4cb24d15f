"""Each recorded call of a constructor or method ends as it did.

`NOW` writes a call for each check; one without a call fails the test.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List

import pytest
from recorded import constructor_checks

CHECKS = {check["check"]: check for check in constructor_checks()}


class Store:
    """As much of a datastore as the classes ask for."""

    name = "blob1"


def data(name: str = "a", **kwargs: Any) -> Any:
    from azureml.pipeline.core import PipelineData

    return PipelineData(name, **kwargs)


def parameter(default: Any, name: str = "p") -> Any:
    from azureml.pipeline.core import PipelineParameter

    return PipelineParameter(name, default)


def adla_step(script: Any, compute_target: Any = "adla") -> Any:
    from azureml.pipeline.steps import AdlaStep

    return AdlaStep(script, source_directory="src", compute_target=compute_target)


def step(script: Any = "s.py", **kwargs: Any) -> Any:
    from azureml.pipeline.steps import PythonScriptStep

    return PythonScriptStep(script, **kwargs)


def reference(name: Any = "z", **kwargs: Any) -> Any:
    from azureml.data.data_reference import DataReference

    return DataReference(Store(), name, **kwargs)


def output_config(name: Any = "o1", **kwargs: Any) -> Any:
    from azureml.data import OutputFileDatasetConfig

    return OutputFileDatasetConfig(name, **kwargs)


def databricks(**kwargs: Any) -> Any:
    from azureml.pipeline.steps import DatabricksStep

    given = {"name": "d", "notebook_path": "/nb", "num_workers": 1, "compute_target": "dbc"}
    return DatabricksStep(**{**given, **kwargs})


def databricks_that_scales() -> Any:
    cluster = databricks(num_workers=None, min_workers=1, max_workers=2)._cluster
    return cluster["min_workers"], cluster["max_workers"]


def node_params(made: Any) -> Dict[str, str]:
    """What v1 gives a node of a step with an existing cluster."""
    return {**made._cluster, made._way: made._path, "compute_name": made._compute_target}


def databricks_params() -> Any:
    made = databricks(
        notebook_path=None,
        python_script_path="dbfs:/a.py",
        python_script_params=["a|b", parameter("dv", "pp")],
    )
    texts = [
        each if isinstance(each, str) else made._parameters[each.text].default_value
        for each in made._arguments
    ]
    return {
        "python_script_params": "||".join(each.replace("|", "|-") for each in texts),
        **{"_AML_PARAMETER_" + name: str(each) for name, each in made._parameters.items()},
    }


def databricks_libraries() -> Any:
    from azureml.core import databricks as parts

    made = databricks(
        jar_libraries=[parts.JarLibrary("dbfs:/x.jar")],
        egg_libraries=[parts.EggLibrary("dbfs:/x.egg")],
        pypi_libraries=[parts.PyPiLibrary("a"), parts.PyPiLibrary("b", "r")],
        rcran_libraries=[parts.RCranLibrary("c")],
        maven_libraries=[parts.MavenLibrary("g:a:1")],
    )
    texts: Dict[str, List[str]] = {}
    for kind, name in (
        ("jar", "jar"),
        ("egg", "egg"),
        ("pypi", "pypi"),
        ("cran", "rcran"),
        ("maven", "maven"),
    ):
        for each in made._libraries:
            value = each.get(kind)
            if isinstance(value, dict):
                value = "|".join("{}={}".format(*pair) for pair in value.items() if pair[1])
            texts.setdefault(name + "_libraries", []).extend([value] if value else [])
    return {name: ";".join(values) for name, values in texts.items()}


def consumption(*args: Any) -> Any:
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

    return DatasetConsumptionConfig(*args)


def input_port(*args: Any, **kwargs: Any) -> Any:
    from azureml.pipeline.core import InputPortBinding

    return InputPortBinding(*args, **kwargs)


def output_port(*args: Any, **kwargs: Any) -> Any:
    from azureml.pipeline.core import OutputPortBinding

    return OutputPortBinding(*args, **kwargs)


def hyperdrive() -> Any:
    from azureml.train import hyperdrive

    return hyperdrive


def grid() -> Any:
    return hyperdrive().GridParameterSampling({"a": hyperdrive().choice(1, 2)})


def search(sampling: Any = None, goal: Any = None, total: int = 4, **kwargs: Any) -> Any:
    package = hyperdrive()
    kwargs.setdefault("run_config", script_run(script="a.py"))
    goal = goal or package.PrimaryMetricGoal.MAXIMIZE
    return package.HyperDriveConfig(sampling or grid(), "accuracy", goal, total, **kwargs)


def bayesian_with_policy() -> Any:
    package = hyperdrive()
    sampling = package.BayesianParameterSampling({"a": package.uniform(0, 1)})
    return search(sampling, policy=package.BanditPolicy(slack_factor=0.1))


def batch_step(**kwargs: Any) -> Any:
    from azureml.pipeline.steps import AzureBatchStep

    return AzureBatchStep("a", executable="a", compute_target="c", **kwargs)


def kusto_step(**kwargs: Any) -> Any:
    from azureml.pipeline.steps import KustoStep

    given = {
        "compute_target": "c",
        "database_name": "db",
        "query_directory": ".",
        "output": data(),
        **kwargs,
    }
    return KustoStep("a", **given)


def module_step() -> Any:
    from azureml.pipeline.steps import ModuleStep

    return ModuleStep()


def script_run(**kwargs: Any) -> Any:
    from azureml.core import ScriptRunConfig

    return ScriptRunConfig(".", **kwargs)


def gathered_output() -> Any:
    made = step(arguments=["--o", output_config()])
    return [str(each) for each in made._arguments], [each.name for each in made._outputs]


def read_output() -> Any:
    config = output_config()
    made = step(arguments=["--i", config], inputs=[config])
    return len(made._arguments), [each.bind_mode for each in made._inputs]


def named_input() -> Any:
    made = output_config().as_input()
    return re.sub("[0-9a-f]{8}$", "", made.name), made.mode, made.path_on_compute


def command() -> Any:
    from azureml.pipeline.steps import CommandStep

    made = CommandStep("python a.py --x '1 2'")
    return made.name, made._command, [str(each) for each in made._arguments]


def tabular() -> Any:
    made = output_config().read_delimited_files()
    return type(made).__name__, made.as_input().mode


def variable_of(name: str) -> Any:
    from azureml.pipeline.core.graph import ParamDef

    return ParamDef(name, set_env_var=True)._variable()


def parallel_config(**kwargs: Any) -> Any:
    from azureml.core import Environment
    from azureml.pipeline.steps import ParallelRunConfig

    given: Dict[str, Any] = {
        "environment": Environment("e"),
        "entry_script": "s.py",
        "error_threshold": 1,
        "output_action": "append_row",
        "compute_target": "cpu",
        "node_count": 1,
    }
    return ParallelRunConfig(**{**given, **kwargs})


def batch_size(size: Any) -> Any:
    return parallel_config(mini_batch_size=size).mini_batch_size


def parallel_step(inputs: Any = None, **kwargs: Any) -> Any:
    from azureml.pipeline.steps import ParallelRunStep

    inputs = [output_config("rows").as_input("rows")] if inputs is None else inputs
    config = parallel_config(output_action=kwargs.pop("output_action", "append_row"))
    return ParallelRunStep("score", config, inputs, **kwargs)


def transfer(source: str = "a", destination: Any = "b", **kwargs: Any) -> Any:
    from azureml.pipeline.steps import DataTransferStep

    to = reference(destination) if isinstance(destination, str) else destination
    return DataTransferStep("copy", reference(source), to, "factory", **kwargs)


def copy_options(**kwargs: Any) -> Any:
    """What a node is given for the types."""

    class Graph:
        params: Dict[str, Any] = {}

        def add_module_node(
            self, name: str, inputs: Any, outputs: Any, params: Any, **_: Any
        ) -> Any:
            self.params = params
            return self

    graph = Graph()
    transfer(**kwargs).create_node(graph, Store(), None)
    return graph.params["CopyOptions"]


def recurrence(*args: Any, **kwargs: Any) -> Any:
    from azureml.pipeline.core import ScheduleRecurrence

    made = ScheduleRecurrence(*args, **kwargs)
    made.validate()
    return made.week_days, made.hours, made.minutes, made.start_time, made.time_zone


def script_and_command() -> Any:
    made = script_run(script="a.py", command="python b.py")
    return isinstance(made, object)


NOW: Dict[str, Callable[[], Any]] = {
    'PipelineData("")': lambda: data(""),
    'PipelineData("a-b")': lambda: data("a-b"),
    "PipelineData output_mode download": lambda: data(output_mode="download"),
    "PipelineData str": lambda: str(data()),
    "PipelineData.as_mount name": lambda: str(data().as_mount("b")),
    "PipelineParameter default 1.5": lambda: parameter(1.5).default_value,
    "PipelineParameter default True": lambda: parameter(True).default_value,
    "PipelineParameter default None": lambda: parameter(None),
    "PipelineParameter default [1]": lambda: parameter([1]),
    "PipelineParameter default {'a': 1}": lambda: parameter({"a": 1}),
    "PipelineParameter str": lambda: str(parameter(3)),
    "PSS script int": lambda: step(5),
    "PSS name default": lambda: step().name,
    "PSS arg PipelineData in outputs": lambda: _with_output(data()),
    "PSS dup outputs": lambda: step(outputs=[data("q"), data("q")]),
    "PSS input name bad": lambda: step(inputs=[input_port("q-1", bind_object=data())]),
    "PSS input type str": lambda: step(inputs=["x"]),
    "PSS output type DataReference": lambda: step(outputs=[reference()]),
    "PSS arg DataReference not in inputs": lambda: step(arguments=[reference()]),
    "PSS OFDC arg auto-output": gathered_output,
    "PSS OFDC in inputs and args": read_output,
    "OFDC name digit": lambda: output_config("1a"),
    "OFDC destination tuple": lambda: output_config(
        destination=(Store(), "x/{run-id}/{output-name}")
    ).destination[1],
    "OFDC as_input default": named_input,
    "OFDC read_delimited_files": tabular,
    "OFDC as_download exists?": lambda: output_config().as_download(),
    "PSS param in args and params same name": lambda: step(
        arguments=[parameter(1)], params={"p": 1}
    ),
    "ParamDef env name": lambda: variable_of("my-param x~y"),
    "PSS runconfig_pipeline_params not PP": lambda: step(
        runconfig_pipeline_params={"NodeCount": 1}
    ),
    "CommandStep str": command,
    "DCC bad mode": lambda: consumption("a", output_config(), "link"),
    "DCC tab mount": lambda: consumption("a", output_config().read_delimited_files(), "mount"),
    "DataReference no name with path": lambda: len(
        reference(None, path_on_datastore="x").data_reference_name
    ),
    "DataReference no name no path": lambda: reference(None).data_reference_name,
    "InputPortBinding None": lambda: input_port("a"),
    "InputPortBinding upload": lambda: input_port("a", data(), "upload"),
    "OutputPortBinding download": lambda: output_port("a", bind_mode="download"),
    "PRC mini_batch_size '5'": lambda: batch_size("5"),
    "PRC mini_batch_size '1KB'": lambda: batch_size("1KB"),
    "PRC mini_batch_size '1.5MB'": lambda: batch_size("1.5MB"),
    "PRC mini_batch_size '5 MB'": lambda: batch_size("5 MB"),
    "PRC mini_batch_size 'abc'": lambda: batch_size("abc"),
    "PRC mini_batch_size 5": lambda: batch_size(5),
    "PRC mini_batch_size '1MBKB'": lambda: batch_size("1MBKB"),
    "PRC output_action APPEND_ROW": lambda: (
        parallel_config(output_action="APPEND_ROW").output_action
    ),
    "PRC error_threshold 0": lambda: parallel_config(error_threshold=0).error_threshold,
    "PRC error_threshold -2": lambda: parallel_config(error_threshold=-2),
    "PRC allowed_failed_count -2": lambda: parallel_config(allowed_failed_count=-2),
    "PRC allowed_failed_percent 0": lambda: (
        parallel_config(allowed_failed_percent=0).allowed_failed_percent
    ),
    "PRC keys PP": lambda: (
        parallel_config(partition_keys=parameter('["a"]')).partition_keys.default_value
    ),
    "PRC process_count 0": lambda: parallel_config(process_count_per_node=0),
    "PRC node_count 0 with str compute": lambda: parallel_config(node_count=0).node_count,
    "PRS no inputs": lambda: parallel_step(inputs=[], output=data()),
    "PRS no output summary_only": lambda: parallel_step(output_action="summary_only")._outputs,
    "PRS reserved arg": lambda: parallel_step(output=data(), arguments=["--output", "x"]),
    "PRS positional first arg": lambda: parallel_step(output=data(), arguments=["x"]),
    "DataTransfer no dst": lambda: transfer(destination=None),
    "DataTransfer same name both": lambda: transfer(destination="a"),
    "DataTransfer dst PipelineData": lambda: transfer(destination=data()),
    "DataTransfer reftype bad (create-time)": lambda: copy_options(source_reference_type="x"),
    "DataTransfer reftype ok": lambda: copy_options(source_reference_type="file"),
    "SR ok": lambda: recurrence("Day", 1),
    "SR freq": lambda: recurrence("Year", 1),
    "SR hours w/ Hour": lambda: recurrence("Hour", 1, hours=[1]),
    "SR time_of_day": lambda: recurrence("Day", 1, time_of_day="9:05"),
    "SR tod bad": lambda: recurrence("Day", 1, time_of_day="nine"),
    "SR hours 24": lambda: recurrence("Day", 1, hours=[24]),
    "SR start only": lambda: recurrence("Day", 1, start_time=datetime(2020, 1, 1)),
    "SR tzinfo": lambda: recurrence("Day", 1, start_time=datetime(2020, 1, 1, tzinfo=timezone.utc)),
    "Batch urn": lambda: batch_step(vm_image_urn="urn:a:b"),
    "Kusto ok": lambda: kusto_step()._params,
    "Kusto output dref": lambda: kusto_step(output=reference()),
    "Kusto compute obj": lambda: kusto_step(compute_target=Store()),
    "Module none": module_step,
    "Policy bandit both": lambda: hyperdrive().BanditPolicy(slack_factor=0.1, slack_amount=0.1),
    "Policy bandit default": lambda: vars(hyperdrive().BanditPolicy(slack_factor=0.1)),
    "Policy trunc 100": lambda: hyperdrive().TruncationSelectionPolicy(100),
    "choice list": lambda: hyperdrive().choice([1, 2]),
    "uniform bad": lambda: hyperdrive().uniform(1, 0),
    "loguniform": lambda: hyperdrive().loguniform(-3, 0),
    "qloguniform": lambda: hyperdrive().qloguniform(0, 1, 1),
    "normal": lambda: hyperdrive().normal(0, 1),
    "lognormal": lambda: hyperdrive().lognormal(0, 1),
    "qnormal": lambda: hyperdrive().qnormal(0, 1, 1),
    "qlognormal": lambda: hyperdrive().qlognormal(0, 1, 1),
    "randint": lambda: hyperdrive().randint(3),
    "Grid choice": lambda: grid().to_json(),
    "Random seed": lambda: (
        hyperdrive()
        .RandomParameterSampling({"a": hyperdrive().uniform(0, 1)}, properties={"seed": 1})
        .to_json()
    ),
    "HD max 0": lambda: search(total=0),
    "HD dur": lambda: search(max_duration_minutes=5),
    "HD dur big": lambda: search(max_duration_minutes=20000),
    "HD goal str": lambda: search(goal="maximize"),
    "HD no src": lambda: search(run_config=None),
    "HD bayes+policy": bayesian_with_policy,
    "DB none of code": lambda: databricks(notebook_path=None),
    "DB no workers": lambda: databricks(num_workers=None),
    "DB autoscale": databricks_that_scales,
    "DB existing + num_workers": lambda: node_params(databricks(existing_cluster_id="c1")),
    "DB permit restart without existing": lambda: databricks(permit_cluster_restart=True),
    "DB no compute": lambda: databricks(compute_target=None),
    "DB name None": lambda: databricks(name=None),
    "DB python params": databricks_params,
    "DB python params int": lambda: databricks(
        notebook_path=None, python_script_path="dbfs:/a.py", python_script_params=[1]
    ),
    "DB libs": databricks_libraries,
    "DB timeout str": lambda: databricks(timeout_seconds="5"),
    "Adla no compute": lambda: adla_step("s.usql", compute_target=None),
    "Adla no script": lambda: adla_step(None),
    "Adla ok": lambda: adla_step("s.usql").name,
    "SRC both": script_and_command,
    "SRC ok": lambda: _script_config(script_run(script="a.py")),
}


def _with_output(made: Any) -> List[Any]:
    return list(step(arguments=["--o", made], outputs=[made])._arguments)


def _script_config(config: Any) -> Any:
    return config.script, config.command, config.run_config.target


def test_every_check_is_written() -> None:
    assert sorted(NOW) == sorted(CHECKS)


@pytest.mark.parametrize("name", list(NOW))
def test_a_recorded_call_ends_as_it_did(name: str) -> None:
    check = CHECKS[name]
    try:
        value = NOW[name]()
    except Exception as error:
        assert type(error).__name__ == check["result"], error
    else:
        assert check["result"] == "ok", value
        if " object at 0x" not in check["detail"]:
            assert repr(value) == check["detail"]
