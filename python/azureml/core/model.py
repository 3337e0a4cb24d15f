"""The model registry: versions of models, with their files, tags and origin.

A `Model` object is what the server knew when it was made; the methods that change a version
change the object too. Serving models is not a part of Stepwell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple

from azureml._lazy import Getattr, exports
from azureml.core import _model_datasets, _model_store
from azureml.core._model_serving import InferenceConfig as InferenceConfig
from azureml.core._model_serving import ModelPackage as ModelPackage
from azureml.core._model_serving import ModelServing
from azureml.core._model_store import Wanted
from azureml.core._run_core import texts

if TYPE_CHECKING:
    from azureml.core.dataset import Dataset as Dataset
    from azureml.core.resource_configuration import ResourceConfiguration
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace
    from stepwell import _wire

# v1 has the name here too; it is loaded when a program asks for it.
# Programs import these from here, as they could where this module used them.
__getattr__: Getattr = exports(
    globals(),
    {
        "Dataset": "azureml.core.dataset",
        "Environment": "azureml.core.environment",
        "ModelNotFoundException": "azureml.exceptions",
        "ResourceConfiguration": "azureml.core.resource_configuration",
        "UserErrorException": "azureml.exceptions",
        "Webservice": "azureml.core.webservice",
        "WebserviceException": "azureml.exceptions",
    },
)

MODELS_DIR = os.path.join(os.environ.get("AML_APP_ROOT", ""), "azureml-models")


class _Framework(object):
    """Names of frameworks a model may be of."""

    CUSTOM = "Custom"
    TENSORFLOW = "TensorFlow"
    SCIKITLEARN = "ScikitLearn"
    ONNX = "Onnx"
    MULTI = "Multi"


class Model(ModelServing):
    """One version of a registered model.

    Example:
        >>> model = Model.register(workspace, model_path="model.pkl", model_name="churn")
        Registering model churn
        >>> model.id
        'churn:1'
        >>> Model(workspace, "churn").download(target_dir="fetched")
        'fetched/model.pkl'
    """

    Framework = _Framework

    def __init__(
        self,
        workspace: Workspace,
        name: Optional[str] = None,
        id: Optional[str] = None,
        tags: Optional[Sequence[Any]] = None,
        properties: Optional[Sequence[Any]] = None,
        version: Optional[int] = None,
        run_id: Optional[str] = None,
        model_framework: Optional[str] = None,
        expand: bool = True,
        **kwargs: Any,
    ) -> None:
        """Find a version: by its id `name:version`, or the newest that fits the rest.

        Args:
            workspace: The workspace it is registered in.
            name: The model's name.
            id: Name and version with a colon between them.
            tags: Keys, or pairs of key and value, that it must have.
            properties: Keys, or pairs of key and value, that it must have.
            version: The version.
            run_id: The run it must come from.
            model_framework: The framework it must be of.
            expand: Without effect; a version is always whole.

        Raises:
            WebserviceException: There is no such version.
        """
        record: Optional[_wire.Model] = kwargs.get("_record")
        if record is None:
            if id is not None:
                name, version = _name_and_version(id)
            wanted = Wanted(name, tags, properties, run_id, model_framework)
            record = _model_store.find(workspace, wanted, version)
        self.workspace = workspace
        self._take(record)

    @classmethod
    def _of_record(cls, workspace: Workspace, record: _wire.Model) -> Model:
        return cls(workspace, _record=record)

    def _take(self, record: _wire.Model) -> None:
        self._record = record
        self.name: str = record["name"]
        self.version: int = record["version"]
        self.id: str = f"{self.name}:{self.version}"
        self.description: Optional[str] = record["description"] or None
        self.tags: Dict[str, str] = dict(record["tags"])
        self.properties: Dict[str, str] = dict(record["properties"])
        self.run_id: Optional[str] = record["run"]
        self.experiment_name: Optional[str] = record["experiment"]
        self.model_framework: Optional[str] = record["framework"]
        self.model_framework_version: Optional[str] = record["framework_version"]
        self.created_time: str = record["created_at"]
        self.created_by: Optional[str] = record["user"] or None
        self.url: str = "aml://asset/{}".format(record["snapshot"])
        self.mime_type = "application/octet-stream"
        self.unpack: bool = not record["is_file"]
        self.resource_configuration: Optional[ResourceConfiguration] = (
            _model_datasets.configuration(record["resources"])
        )
        self.parent_id: Optional[str] = None
        self.derived_model_ids: List[str] = []

    @property
    def run(self) -> Optional[Run]:
        """The run that made it, if one did."""
        return self.workspace.get_run(self.run_id) if self.run_id else None

    @property
    def datasets(self) -> Dict[str, List[Any]]:
        """The datasets it was made with, by the word for what they were used for."""
        return _model_datasets.by_scenario(self.workspace, self._record)

    @property
    def sample_input_dataset(self) -> Any:
        """A dataset that shows what it takes, if there is one."""
        return _model_datasets.dataset_of(self.workspace, self._record["sample_input_dataset"])

    @property
    def sample_output_dataset(self) -> Any:
        """A dataset that shows what it gives, if there is one."""
        return _model_datasets.dataset_of(self.workspace, self._record["sample_output_dataset"])

    def __repr__(self) -> str:
        """The workspace and what identifies the version."""
        return (
            f"Model(workspace={self.workspace!r}, name={self.name}, id={self.id}, "
            f"version={self.version}, tags={self.tags}, properties={self.properties})"
        )

    # Into the registry and out of it.

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str,
        model_name: str,
        tags: Optional[Dict[str, str]] = None,
        properties: Optional[Dict[str, str]] = None,
        description: Optional[str] = None,
        datasets: Any = None,
        model_framework: Optional[str] = None,
        model_framework_version: Optional[str] = None,
        child_paths: Optional[List[str]] = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> Model:
        """Register a file or folder of this machine as a new version of a model.

        Args:
            workspace: The workspace to register it in.
            model_path: The file or folder.
            model_name: The model's name.
            tags: Tags of the version.
            properties: Properties of the version; they cannot be changed later.
            description: A description for people.
            datasets: The datasets it was made with: pairs of a word for the use, such as
                `training data`, and the dataset.
            model_framework: One of `Model.Framework`.
            model_framework_version: The framework's version.
            child_paths: Of a folder, only these paths in it.
            sample_input_dataset: A dataset that shows what it takes.
            sample_output_dataset: A dataset that shows what it gives.
            resource_configuration: What serving it would need; kept for other programs.

        Returns:
            The version.

        Raises:
            ModelPathNotFoundException: A path is not there.
        """
        from azureml.core._model_registration import Facts, register_local

        facts = Facts(
            model_name,
            tags,
            properties,
            description,
            model_framework,
            model_framework_version,
            datasets,
            sample_input_dataset,
            sample_output_dataset,
            resource_configuration,
        )
        return register_local(workspace, facts, model_path, child_paths)

    @staticmethod
    def list(
        workspace: Workspace,
        name: Optional[str] = None,
        tags: Optional[Sequence[Any]] = None,
        properties: Optional[Sequence[Any]] = None,
        run_id: Optional[str] = None,
        latest: bool = False,
        dataset_id: Optional[str] = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: Optional[str] = None,
    ) -> List[Model]:
        """The registered versions that fit, newest first.

        Args:
            workspace: The workspace they are registered in.
            name: Only versions of this model.
            tags: Only those with these keys, or pairs of key and value.
            properties: Only those with these keys, or pairs of key and value.
            run_id: Only those that this run made.
            latest: Only the newest version of each model.
            dataset_id: Only those that were made with the dataset of this id.
            expand: Without effect; a version is always whole.
            page_count: How many are asked for at a time.
            model_framework: Only those of this framework.

        Returns:
            The versions.
        """
        wanted = Wanted(name, tags, properties, run_id, model_framework, latest, dataset_id)
        records = _model_store.records(workspace, wanted, page_count)
        return [Model._of_record(workspace, record) for record in records]

    def download(
        self, target_dir: str = ".", exist_ok: bool = False, exists_ok: Optional[bool] = None
    ) -> str:
        """Fetch the files into a folder.

        Args:
            target_dir: The folder.
            exist_ok: Whether what is there may be replaced.
            exists_ok: The older name of `exist_ok`.

        Returns:
            The path of the file or folder.
        """
        replace = exist_ok if exists_ok is None else exists_ok
        return _model_store.download(self, target_dir, bool(replace))

    @staticmethod
    def get_model_path(
        model_name: str, version: Optional[int] = None, _workspace: Optional[Workspace] = None
    ) -> str:
        """The path of a model's file or folder on this machine, fetched if it is not there yet.

        It lies below `azureml-models/<name>/<version>`. Where the registry has no such model, a
        file or folder of the model's name in the working directory stands for it.

        Args:
            model_name: The model's name.
            version: The version; the newest when `None`.

        Returns:
            The path.

        Raises:
            ModelNotFoundException: There is none.
        """
        from azureml.exceptions import ModelNotFoundException, WebserviceException
        from stepwell import errors

        if version is not None:
            known = _model_store.cached(MODELS_DIR, model_name, int(version))
            if known is not None:
                return known
        try:
            model = Model(_workspace or _own_workspace(), model_name, version=version)
            return _model_store.fetched(model, MODELS_DIR)
        except errors.ServerUnreachable:
            known = _model_store.cached(MODELS_DIR, model_name, version)
            if known is None:
                raise
            return known
        except WebserviceException as missing:
            if version is None and os.path.exists(model_name):
                return model_name
            raise ModelNotFoundException(missing.message) from None

    def delete(self) -> None:
        """Take this version out of the registry; its number is not given again."""
        self._call(lambda: self.workspace._client.delete(self._path))

    # Changes.

    @property
    def _path(self) -> str:
        return f"/models/{self.name}/versions/{self.version}"

    def _change(self, **change: Any) -> None:
        self._take(self._call(lambda: self.workspace._client.patch(self._path, change)))

    @staticmethod
    def _call(call: Callable[[], Any]) -> Any:
        """What the server answers; its refusals are exceptions of v1."""
        from azureml.exceptions import WebserviceException
        from stepwell import errors

        try:
            return call()
        except errors.ApiError as refused:
            if refused.status >= 500:
                raise
            raise WebserviceException(str(refused), status_code=refused.status) from None

    def update(
        self,
        tags: Optional[Dict[str, str]] = None,
        description: Optional[str] = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> None:
        """Replace all tags, the description, the examples or the needs; what is `None` stays.

        Args:
            tags: The tags that it has from now on.
            description: A description for people.
            sample_input_dataset: A dataset that shows what it takes.
            sample_output_dataset: A dataset that shows what it gives.
            resource_configuration: What serving it would need; kept for other programs.
        """
        change: Dict[str, Any] = {
            "description": description,
            "sample_input_dataset": _model_datasets.saved_id(self.workspace, sample_input_dataset),
            "sample_output_dataset": _model_datasets.saved_id(
                self.workspace, sample_output_dataset
            ),
            "resources": _model_datasets.resources(resource_configuration),
        }
        if tags is not None:
            change["set_tags"] = texts(tags)
            change["remove_tags"] = [key for key in self.tags if key not in tags]
        self._change(**change)

    def update_tags_properties(
        self,
        add_tags: Optional[Dict[str, str]] = None,
        remove_tags: Optional[List[str]] = None,
        add_properties: Optional[Dict[str, str]] = None,
    ) -> None:
        """Set and remove tags, and add properties.

        Args:
            add_tags: Tags to set; those not named stay.
            remove_tags: The names of tags to take away.
            add_properties: Properties to add; one that is set already cannot be changed.
        """
        self._change(
            set_tags=texts(add_tags or {}),
            remove_tags=[key for key in remove_tags or ()],
            add_properties=texts(add_properties or {}),
        )

    def add_tags(self, tags: Dict[str, str]) -> None:
        """Set tags; those not named stay.

        Args:
            tags: Texts by name; other values become texts.
        """
        self._change(set_tags=texts(tags))

    def remove_tags(self, tags: List[str]) -> None:
        """Take tags away.

        Args:
            tags: The names of the tags.
        """
        self._change(remove_tags=[key for key in tags])

    def add_properties(self, properties: Dict[str, str]) -> None:
        """Add properties; one that is set already cannot be changed.

        Args:
            properties: Texts by name; other values become texts.
        """
        self._change(add_properties=texts(properties))

    def add_dataset_references(self, datasets: Any) -> None:
        """Add datasets it was made with: pairs of a word for the use and the dataset.

        Args:
            datasets: The pairs.
        """
        self._change(add_datasets=_model_datasets.references(self.workspace, datasets))

    # As a dictionary.

    def serialize(self) -> Dict[str, Any]:
        """What identifies and describes the version, in v1's words.

        Returns:
            Among others `id`, `name`, `version`, `tags`, `properties`, `runId` and `framework`.
        """
        return {
            "createdTime": self.created_time,
            "createdBy": self.created_by,
            "description": self.description,
            "id": self.id,
            "mimeType": self.mime_type,
            "name": self.name,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "tags": self.tags,
            "properties": self.properties,
            "unpack": self.unpack,
            "url": self.url,
            "version": self.version,
            "experimentName": self.experiment_name,
            "runId": self.run_id,
            "datasets": [
                {"name": each["scenario"], "id": each["dataset"]}
                for each in self._record["datasets"]
            ],
            "resourceRequirements": (
                self.resource_configuration.serialize() if self.resource_configuration else None
            ),
        }

    @staticmethod
    def deserialize(workspace: Workspace, model_payload: Dict[str, Any]) -> Model:
        """The version that `serialize` described.

        Args:
            workspace: The workspace it is registered in.
            model_payload: The dictionary.

        Returns:
            The version as it is now.
        """
        return Model(workspace, id=model_payload["id"])


def _name_and_version(identifier: str) -> Tuple[str, int]:
    """What an id such as `churn:3` names."""
    from azureml.exceptions import WebserviceException

    name, _, number = identifier.rpartition(":")
    if not name or not number.isdigit():
        raise WebserviceException(
            f"`{identifier}` is no id of a model; one is a name and a version, such as `churn:3`"
        )
    return name, int(number)


def _own_workspace() -> Workspace:
    """The workspace of the run this is a script of, or of the working directory."""
    from azureml.core.workspace import Workspace

    if os.environ.get("AZUREML_RUN_ID"):
        from azureml.core.run import Run

        workspace: Workspace = Run.get_context().experiment.workspace
        return workspace
    return Workspace.from_config()
