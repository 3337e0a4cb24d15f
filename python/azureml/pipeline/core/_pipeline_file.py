"""A pipeline described in a YAML file, as `Pipeline.load_yaml` reads it.

The file names parameters, data references and steps; a step's inputs name the data references or
the outputs of other steps. Arguments may be `input:NAME`, `output:NAME` and `parameter:NAME`. Every
name is checked; a refusal says where in the file it stands.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Mapping

from azureml._not_yet import not_yet
from azureml.core import _yaml_text
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.exceptions import UserErrorException
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._pipeline_data import PipelineData

NUMBERS: Dict[str, Callable[[Any], Any]] = {
    "string": str,
    "int": int,
    "integer": int,
    "float": float,
    "bool": bool,
    "boolean": bool,
}
DATA_PATH = "datapath"


def load(workspace: Any, filename: str) -> Any:
    """The pipeline that a file describes.

    Raises:
        UserErrorException: The file is not YAML.
        ValueError: The file names what is not there, or lacks something.
    """
    import yaml

    from azureml.pipeline.core.pipeline import Pipeline

    try:
        content = _yaml_text.load_file(filename)
    except yaml.YAMLError as error:
        raise UserErrorException(f"{filename} is not YAML: {error}") from error
    described = content.get("pipeline") if isinstance(content, dict) else None
    if not isinstance(described, Mapping):
        raise ValueError(f"{filename} has no `pipeline` at its top")
    reader = _Reader(workspace, filename, described)
    return Pipeline(workspace, reader.steps(), description=described.get("description"))


class _Reader(object):
    """Reads one file."""

    def __init__(self, workspace: Any, filename: str, described: Mapping[str, Any]) -> None:
        self._workspace = workspace
        self._filename = filename
        self._folder = os.path.dirname(os.path.abspath(filename))
        self._described = described
        self._parameters = {
            name: self._parameter(name, given)
            for name, given in (described.get("parameters") or {}).items()
        }
        self._data: Dict[str, Any] = {
            name: self._reference(name, given)
            for name, given in (described.get("data_references") or {}).items()
        }

    def steps(self) -> List[Any]:
        """The steps, in the order of the file."""
        described = self._described.get("steps") or {}
        if not described:
            raise ValueError(f"{self._filename} has no steps")
        outputs = {key: self._outputs(key, step) for key, step in described.items()}
        made = {key: self._step(key, step, outputs[key]) for key, step in described.items()}
        for key, step in described.items():
            for earlier in step.get("run_after") or []:
                made[key].run_after(self._named("steps." + key + ".run_after", earlier, made))
        return list(made.values())

    def _parameter(self, name: str, given: Mapping[str, Any]) -> PipelineParameter:
        kind, default = str(given.get("type", "string")).lower(), given.get("default")
        where = "parameters." + name
        if kind == DATA_PATH:
            place = self._place(where, default or {})
            return PipelineParameter(name, DataPath(place.datastore, place.path_on_datastore))
        return PipelineParameter(name, self._named(where + ".type", kind, NUMBERS)(default))

    def _place(self, where: str, given: Mapping[str, Any]) -> DataReference:
        if "datastore" not in given:
            raise ValueError(f"{where} of {self._filename} has no datastore")
        store = self._workspace.datastores
        name = given["datastore"]
        known = self._named(where + ".datastore", name, store)
        path = given.get("path_on_datastore", given.get("path"))
        return DataReference(known, where.rpartition(".")[2], path_on_datastore=path)

    def _reference(self, name: str, given: Mapping[str, Any]) -> Any:
        from azureml.core import Dataset

        if "dataset_name" in given:
            version = given.get("version", "latest")
            dataset = Dataset.get_by_name(self._workspace, given["dataset_name"], version)
            return dataset.as_named_input(name)
        if "dataset_id" in given:
            return Dataset.get_by_id(self._workspace, given["dataset_id"]).as_named_input(name)
        return self._place("data_references." + name, given)

    def _outputs(self, key: str, step: Mapping[str, Any]) -> Dict[str, PipelineData]:
        made = {}
        for name, given in (step.get("outputs") or {}).items():
            given = given or {}
            where = f"steps.{key}.outputs.{name}"
            store = given.get("datastore")
            data = PipelineData(
                name,
                datastore=None
                if store is None
                else self._named(where, store, self._workspace.datastores),
                output_mode=given.get("bind_mode") or "mount",
                output_path_on_compute=given.get("path_on_compute"),
                output_overwrite=given.get("overwrite"),
            )
            made[name] = data
            # Other steps find it by its destination, or by the step and the output.
            self._data[f"{key}/{name}"] = data
            if given.get("destination"):
                self._data[given["destination"]] = data
        return made

    def _step(self, key: str, step: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
        from azureml.pipeline.steps import PythonScriptStep

        kind = step.get("type")
        if kind != "PythonScriptStep":
            not_yet(
                f"steps.{key} of {self._filename} is a {kind}; a file can describe "
                "PythonScriptSteps so far, so build "
                "the pipeline of steps in Python"
            )
        where = "steps." + key
        inputs = {
            name: self._input(where, name, given or {})
            for name, given in (step.get("inputs") or {}).items()
        }
        params = {
            name: self._value(where, given)
            for name, given in (step.get("parameters") or {}).items()
        }
        folder = step.get("source_directory")
        return PythonScriptStep(
            self._required(where, step, "script_name"),
            name=step.get("name") or key,
            arguments=[
                self._argument(where, each, inputs, outputs) for each in step.get("arguments") or []
            ],
            compute_target=step.get("compute")
            or step.get("compute_target")
            or self._described.get("default_compute"),
            runconfig=self._run_config(step.get("runconfig")),
            inputs=list(inputs.values()),
            outputs=list(outputs.values()),
            params=params,
            source_directory=None if folder is None else os.path.join(self._folder, folder),
            allow_reuse=bool(step.get("allow_reuse", True)),
            version=step.get("version"),
        )

    def _input(self, where: str, name: str, given: Mapping[str, Any]) -> Any:
        from azureml.pipeline.core._bindings import InputPortBinding

        source = self._required(f"{where}.inputs.{name}", given, "source")
        if source in self._parameters:
            mode = given.get("bind_mode") or "mount"
            return (self._parameters[source], DataPathComputeBinding(mode=mode))
        data = self._named(f"{where}.inputs.{name}", source, self._data)
        if not isinstance(data, (PipelineData, DataReference)):
            return data
        return InputPortBinding(
            name,
            data,
            given.get("bind_mode") or "mount",
            given.get("path_on_compute"),
            given.get("overwrite"),
        )

    def _value(self, where: str, given: Any) -> Any:
        if isinstance(given, Mapping):
            source = self._required(where + ".parameters", given, "source")
            return self._named(where + ".parameters", source, self._parameters)
        return given

    def _argument(
        self, where: str, given: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Any]
    ) -> Any:
        kinds: Dict[str, Mapping[str, Any]] = {
            "input": inputs,
            "output": outputs,
            "parameter": self._parameters,
        }
        kind, colon, name = str(given).partition(":")
        if colon and kind in kinds:
            return self._named(f"{where}.arguments", name, kinds[kind])
        return given

    def _run_config(self, path: Any) -> Any:
        from azureml.core.runconfig import RunConfiguration

        return None if path is None else RunConfiguration.load(os.path.join(self._folder, path))

    def _required(self, where: str, given: Mapping[str, Any], name: str) -> Any:
        if given.get(name) is None:
            raise ValueError(f"{where} of {self._filename} has no `{name}`")
        return given[name]

    def _named(self, where: str, name: Any, known: Mapping[str, Any]) -> Any:
        if name not in known:
            raise ValueError(
                "{} of {} names `{}`; there are {}".format(
                    where, self._filename, name, ", ".join(sorted(known)) or "none"
                )
            )
        return known[name]
