"""What v1 did with models beyond keeping them: serving. Each name says that Stepwell does not."""

from __future__ import annotations

from typing import Any, Dict, Optional

from azureml._not_yet import not_yet


class ModelServing(object):
    """The part of a model's interface that is refused."""

    def get_sas_urls(self) -> Dict[str, str]:
        """Not there: only Azure has this."""
        not_yet("models have no signed addresses; use `model.download`")

    @staticmethod
    def deploy(
        workspace: Any,
        name: str,
        models: Any,
        inference_config: Any = None,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> Any:
        """Not there: Stepwell does not serve models."""
        not_yet("Stepwell does not serve models; download the model and serve it elsewhere")

    @staticmethod
    def package(
        workspace: Any,
        models: Any,
        inference_config: Any = None,
        generate_dockerfile: bool = False,
        image_name: Optional[str] = None,
        image_label: Optional[str] = None,
    ) -> Any:
        """Not there: Stepwell does not serve models."""
        not_yet("Stepwell does not package models for serving; use `model.download`")

    @staticmethod
    def profile(
        workspace: Any,
        profile_name: str,
        models: Any,
        inference_config: Any,
        input_dataset: Any,
        cpu: Optional[float] = None,
        memory_in_gb: Optional[float] = None,
        description: Optional[str] = None,
    ) -> Any:
        """Not there: Stepwell does not serve models."""
        not_yet("Stepwell does not serve models, so there is nothing to profile")

    @staticmethod
    def print_configuration(
        models: Any, inference_config: Any, deployment_config: Any, deployment_target: Any
    ) -> None:
        """Not there: Stepwell does not serve models."""
        not_yet("Stepwell does not serve models, so there is no configuration to print")


class InferenceConfig(object):
    """How a web service would use a model: refused."""

    def __init__(
        self,
        entry_script: str,
        runtime: Optional[str] = None,
        conda_file: Optional[str] = None,
        extra_docker_file_steps: Optional[str] = None,
        source_directory: Optional[str] = None,
        enable_gpu: Optional[bool] = None,
        description: Optional[str] = None,
        base_image: Optional[str] = None,
        base_image_registry: Any = None,
        cuda_version: Optional[str] = None,
        environment: Any = None,
    ) -> None:
        """Not there: Stepwell does not serve models."""
        not_yet("Stepwell does not serve models; download the model and serve it elsewhere")


class ModelPackage(object):
    """A packaged model: refused."""

    def __init__(self, workspace: Any, operation_id: str, environment: Any) -> None:
        """Not there: Stepwell does not serve models."""
        not_yet("Stepwell does not package models for serving; use `Model.download`")
