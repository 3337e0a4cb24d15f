"""Images of environments, and how their building goes. There are none on this machine yet."""

from __future__ import annotations

from typing import Any, Dict

from azureml._later import Later


class ImageBuildDetails(Later):
    """How the building of an image goes."""

    sentence = (
        "images are not built; the packages of an environment are installed when the first step "
        "that needs them runs"
    )


class DockerImageDetails(Dict[str, Any]):
    """What is known about an image."""

    @property
    def image_exist(self) -> bool:
        """Whether the image is there."""
        return bool(self.get("imageExistsInRegistry"))

    @property
    def repository(self) -> Any:
        """The name of the image in its registry."""
        return _part(self, "dockerImage", "name")

    @property
    def registry(self) -> Any:
        """The registry the image is in."""
        return _part(self, "dockerImage", "registry")

    @property
    def image(self) -> Any:
        """The image."""
        return self.get("dockerImage")

    @property
    def interpreter_path(self) -> Any:
        """The Python in the image."""
        return _part(self, "pythonEnvironment", "interpreterPath")

    @property
    def environment_path(self) -> Any:
        """The folder of the Python environment in the image."""
        return _part(self, "pythonEnvironment", "condaEnvironmentPath")

    @property
    def dockerfile(self) -> Any:
        """The Dockerfile the image is built from."""
        return _part(self, "ingredients", "dockerfile")


def _part(details: Dict[str, Any], part: str, name: str) -> Any:
    return (details.get(part) or {}).get(name)
