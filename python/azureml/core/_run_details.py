"""What `get_details` says of what was run: the definition of the run and its datasets.

The definition is read from the steps that the server keeps, in the shape and under the names that
v1 gives it; settings that only a cluster has are as v1 leaves them. Which datasets a step was given
is kept in a property of the run that was submitted; which ones its script asked for, in properties
of its own run.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

if TYPE_CHECKING:
    from azureml.core._run_core import RunCore

GIVEN = "stepwell.input_datasets"
ASKED_FOR = "stepwell.used_dataset."

Record = Mapping[str, Any]


def is_internal(name: str) -> bool:
    """Whether a property is kept for `get_details` alone."""
    return name == GIVEN or name.startswith(ASKED_FOR)


def given_property(inputs: Mapping[int, Mapping[str, Any]]) -> Dict[str, str]:
    """The property that remembers which datasets the steps of a submission are given.

    Args:
        inputs: For each step, by its number, its dataset inputs by name.
    """
    found = {
        str(step): {name: [each.dataset_id, each.mode] for name, each in datasets.items()}
        for step, datasets in inputs.items()
        if datasets
    }
    return {GIVEN: json.dumps(found, sort_keys=True)} if found else {}


def note_use(dataset: Any) -> None:
    """Remember at the run of this script, if it has one, that it asked for a registered dataset."""
    import os

    if not os.environ.get("AZUREML_RUN_ID"):
        return
    from azureml._common.exceptions import AzureMLException
    from azureml.core.run import Run

    name = ASKED_FOR + str(dataset.id)
    try:
        run = Run.get_context()
        if name not in run._record["properties"]:
            run.add_properties({name: str(dataset.name or "")})
    except AzureMLException:
        pass  # what is only remembered must not stop a script


def submission_of(run: RunCore) -> Optional[Dict[str, Any]]:
    """What the run, or the pipeline of the step, was submitted with."""
    if run._record["kind"] == "interactive":
        return None
    from stepwell import errors

    try:
        found: Dict[str, Any] = run._client.get(run._path + "/pipeline")
    except (errors.InvalidRequest, errors.NotFound):
        return None  # a program opened it, and so it has no steps
    return found


def step_of(record: Record, submission: Record) -> Optional[Dict[str, Any]]:
    """The step that a run is of; `None` for a pipeline."""
    if record["kind"] == "pipeline":
        return None
    step: Dict[str, Any] = submission["steps"][record["step"] or 0]
    return step


def definition_of(run: RunCore) -> Optional[Dict[str, Any]]:
    """The definition of the run; `None` unless it is a script or a step."""
    submission = submission_of(run)
    step = step_of(run._record, submission) if submission else None
    return run_definition(run._record, step) if step is not None else None


def run_definition(record: Record, step: Record) -> Dict[str, Any]:
    """The definition of the run of one step or script."""
    task = step["task"]
    program = task.get("program") or {}
    limit = task.get("timeout_seconds")
    return {
        "script": program.get("script") or task.get("entry_script"),
        "command": program.get("command") or "",
        "useAbsolutePath": False,
        "arguments": [_text(each, record) for each in task.get("arguments", ())],
        "sourceDirectoryDataStore": None,
        "framework": "Python",
        "communicator": "None",
        "target": step["target"],
        "dataReferences": {},
        "data": {each["name"]: _input(each) for each in step.get("inputs", ())},
        "outputData": {each["name"]: _output(each, record) for each in step.get("outputs", ())},
        "jobName": None,
        "maxRunDurationSeconds": limit,
        "nodeCount": 1,
        "environment": _environment(task),
        "environmentVariables": dict(task.get("variables") or {}),
    }


def _text(argument: Any, record: Record) -> str:
    """An argument as v1 writes it: a port by the variable that names its place."""
    if not isinstance(argument, dict):
        return str(argument)
    (kind, value), *_ = argument.items()
    if kind == "literal":
        return str(value)
    if kind == "parameter":
        return str(record["parameters"].get(value, "$AML_PARAMETER_" + str(value)))
    if isinstance(value, list):  # text with places in it
        return "".join(_text(each, record) for each in value)
    return "$AZUREML_DATAREFERENCE_" + str(value)


def _input(port: Record) -> Dict[str, Any]:
    source = port["source"]
    place = source.get("datastore") if isinstance(source, dict) else None
    return {
        "dataLocation": {"dataPath": _path(place) if isinstance(place, dict) else None},
        "mechanism": "Download" if port.get("download") else "Mount",
        "environmentVariableName": port["name"],
        "pathOnCompute": port.get("path_on_compute"),
    }


def _output(port: Record, record: Record) -> Dict[str, Any]:
    asked = port.get("register") or {}
    of_pipeline = record["kind"] == "step"
    # Programs read from here which pipeline their step belongs to.
    pipeline = {"azureml.pipelineRun": "True", "azureml.pipelineRunId": record["root"]}
    return {
        "outputLocation": {"dataPath": _path(port)},
        "mechanism": "Upload" if port.get("upload_from") else "Mount",
        "additionalOptions": {
            "pathOnCompute": port.get("upload_from"),
            "registrationOptions": {
                "name": asked.get("name"),
                "description": asked.get("description"),
                "tags": asked.get("tags"),
                "properties": pipeline if of_pipeline else {},
            },
        },
        "environmentVariableName": port["name"],
    }


def _path(place: Record) -> Dict[str, Any]:
    return {"datastoreName": place.get("datastore"), "relativePath": place.get("path")}


def _environment(task: Record) -> Dict[str, Any]:
    known = task.get("environment") or {}
    built = known.get("kind") == "python"
    packages: List[Any] = [*known.get("conda", ()), {"pip": list(known.get("pip", ()))}]
    if known.get("python_version"):
        packages.insert(0, "python=" + str(known["python_version"]))
    return {
        "name": known.get("name") or None,
        "version": None,
        "python": {
            "interpreterPath": known.get("python") or "python",
            "userManagedDependencies": not built,
            "condaDependencies": {"dependencies": packages} if built else None,
            "baseCondaEnvironment": None,
        },
        "docker": {"enabled": False, "baseImage": None},
        "environmentVariables": dict(task.get("variables") or {}),
    }


def input_datasets(run: RunCore, submission: Record) -> List[Dict[str, Any]]:
    """The datasets that the run was given, and those that its script asked for."""
    record = run._record
    top = record
    if record["kind"] == "step":
        top = run._client.get("/runs/{}".format(record["parent"]))
    given = json.loads(top["properties"].get(GIVEN, "{}")).get(str(record["step"] or 0), {})
    parameters = {
        port["name"]: port["source"]["parameter"]
        for port in (step_of(record, submission) or {}).get("inputs", ())
        if isinstance(port["source"], dict) and "parameter" in port["source"]
    }
    made = []
    for name, (identifier, mode) in given.items():
        chosen = top["parameters"].get(parameters.get(name, ""))
        details = {"type": "RunInput", "inputName": name, "mechanism": mode.capitalize()}
        made.append(_used(run, chosen or identifier, details))
    for name in record["properties"]:
        if name.startswith(ASKED_FOR):
            made.append(_used(run, name[len(ASKED_FOR) :], {"type": "Reference"}))
    return [each for each in made if each is not None]


def _used(run: RunCore, identifier: str, details: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    from azureml.core.dataset import Dataset
    from azureml.exceptions import UserErrorException

    try:
        dataset = Dataset.get_by_id(run.experiment.workspace, identifier)
    except UserErrorException:  # unregistered since, and cleared away
        return None
    return {"dataset": dataset, "consumptionDetails": details}


def output_datasets(run: RunCore, step: Record) -> List[Dict[str, Any]]:
    """The outputs that the run wrote to a place of their own, or as datasets."""
    from azureml.core.dataset import Dataset
    from azureml.core.datastore import Datastore

    configured = {each["name"] for each in step.get("outputs", ()) if each.get("path")}
    made = []
    for output in run._record["outputs"]:
        if output["name"] in configured:
            store = Datastore.get(run.experiment.workspace, output["datastore"])
            dataset = Dataset.File.from_files((store, output["path"]), validate=False)
            details = {"outputName": output["name"]}
            made.append({"outputType": "RunOutput", "outputDetails": details, "dataset": dataset})
    return made
