"""The first lines of public programs: each module is there, with the names they use."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import Dict, Tuple

import pytest

from azureml._not_yet import NotSupportedYet

# From the import lines of 331 public programs; names in brackets are those they use.
IMPORTS: Dict[str, Tuple[str, ...]] = {
    "azureml.automl.runtime.shared.score": ("constants", "scoring"),
    "azureml.contrib.explain.model.explanation.explanation_client": ("ExplanationClient",),
    "azureml.contrib.functions": ("HTTP_TRIGGER", "package"),
    "azureml.data._dataset": ("AbstractDataset", "_Dataset"),
    "azureml.train.automl.runtime": ("AutoMLStep", "AutoMLStepRun"),
    "azureml.train.automl.runtime.automl_explain_utilities": (
        "automl_check_model_if_explainable",
        "automl_setup_model_explanations",
    ),
    "azureml.ai.monitoring": ("Collector",),
    "azureml.contrib.automl.pipeline.steps": ("AutoMLPipelineBuilder",),
    "azureml.contrib.dataset": (),
    "azureml.contrib.fairness": ("upload_dashboard_dictionary", "download_dashboard_by_upload_id"),
    "azureml.contrib.interpret.explanation.explanation_client": ("ExplanationClient",),
    "azureml.contrib.interpret.scoring.scoring_explainer": ("LinearScoringExplainer", "save"),
    "azureml.contrib.notebook": (
        "AzureMLNotebookHandler",
        "NotebookRunConfig",
        "NotebookRunnerStep",
    ),
    "azureml.contrib.pipeline.steps": ("ParallelRunConfig", "ParallelRunStep"),
    "azureml.contrib.services.aml_request": ("AMLRequest", "rawhttp"),
    "azureml.contrib.services.aml_response": ("AMLResponse",),
    "azureml.contrib.train.rl": ("ReinforcementLearningEstimator", "Ray"),
    "azureml.core.authentication": ("AuthenticationException",),
    "azureml.core.experiment": ("Run", "Workspace"),
    "azureml.core.model": ("Dataset", "Environment", "Model", "Webservice", "WebserviceException"),
    "azureml.core.run": ("Run", "RunEnvironmentException", "_OfflineRun", "get_run"),
    "azureml.core.runconfig": (
        "EggLibrary",
        "JarLibrary",
        "MavenLibrary",
        "PyPiLibrary",
        "RCranLibrary",
    ),
    "azureml.core.workspace": ("Workspace", "WorkspaceException", "ComputeTarget"),
    "azureml.datadrift": ("DataDriftDetector", "AlertConfiguration"),
    "azureml.core.profile": ("ModelProfile",),
    "azureml.dataprep": (
        "Dataflow",
        "DataPrepException",
        "ExecutionError",
        "FieldType",
        "ValidationError",
        "__version__",
        "col",
        "get_stream_properties",
        "read_csv",
        "value",
    ),
    "azureml.dataprep.api.engineapi.typedefinitions": ("FieldType",),
    "azureml.dataprep.api.errorhandlers": ("ExecutionError",),
    "azureml.dataprep.api.expressions": ("col",),
    "azureml.dataprep.api.functions": ("get_portable_path", "get_stream_properties"),
    "azureml.dataprep.fuse.daemon": ("MountContext",),
    "azureml.evaluate.mlflow": (),
    "azureml.explain.model.tabular_explainer": ("TabularExplainer",),
    "azureml.fsspec": ("AzureMachineLearningFileSystem",),
    "azureml.interpret": ("ExplanationClient",),
    "azureml.interpret.mimic_wrapper": ("MimicWrapper",),
    "azureml.interpret.scoring.scoring_explainer": ("TreeScoringExplainer", "save", "load"),
    "azureml.metrics": (),
    "azureml.mlflow": (),
    "azureml.monitoring": ("ModelDataCollector",),
    "azureml.opendatasets": ("MNIST", "Diabetes", "OjSalesSimulated", "NycTlcGreen"),
    "azureml.telemetry": ("set_diagnostics_collection",),
    "azureml.tensorboard": ("Tensorboard",),
    "azureml.tensorboard.export": ("export_to_tensorboard",),
    "azureml.train.hyperdrive.run": ("HyperDriveRun", "PrimaryMetricGoal"),
    "azureml.train.widgets": ("RunDetails",),
    "azureml.widgets": ("RunDetails",),
}


@pytest.mark.parametrize("module", IMPORTS)
def test_a_module_that_programs_import_has_the_names_they_use(module: str) -> None:
    loaded = import_module(module)
    assert [name for name in IMPORTS[module] if not hasattr(loaded, name)] == []


def test_every_package_says_its_version() -> None:
    code = "import azureml.core\nprint(azureml.core.VERSION, azureml.data.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.split()
    assert first == second
    for name in (
        "azureml.interpret",
        "azureml.opendatasets",
        "azureml.pipeline.core",
        "azureml.pipeline.steps",
        "azureml.telemetry",
        "azureml.train.automl",
        "azureml.train.hyperdrive",
        "azureml.widgets",
    ):
        assert import_module(name).__version__ == first, name


def test_a_class_that_does_not_work_says_what_to_do() -> None:
    from azureml.interpret import ExplanationClient

    with pytest.raises(NotSupportedYet, match="run.upload_file"):
        ExplanationClient.from_run(None)
    with pytest.raises(NotSupportedYet, match="run.upload_file"):
        ExplanationClient()


def test_a_function_that_does_not_work_says_what_to_do() -> None:
    from azureml.contrib.fairness import upload_dashboard_dictionary

    with pytest.raises(NotSupportedYet, match="fairlearn"):
        upload_dashboard_dictionary(None, {})


def test_a_name_that_never_was_is_no_attribute() -> None:
    assert not hasattr(import_module("azureml.interpret"), "Nothing")


def test_diagnostics_are_accepted() -> None:
    from azureml.telemetry import set_diagnostics_collection

    set_diagnostics_collection(send_diagnostics=True)


def test_a_scoring_script_can_be_called_by_hand() -> None:
    from azureml.contrib.services.aml_request import AMLRequest, rawhttp
    from azureml.contrib.services.aml_response import AMLResponse

    @rawhttp
    def run(request: AMLRequest) -> AMLResponse:
        return AMLResponse({"length": len(request.get_data())}, 200, json_str=True)

    answer = run(AMLRequest(data=b"12345"))
    assert (answer.status_code, answer.response) == (200, '{"length": 5}')
