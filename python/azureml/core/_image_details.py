"""How the building of environments goes. Of images, which there are not, only the names."""

from __future__ import annotations

import tempfile
from typing import Any, Dict

# Where v1 keeps the runs that build environments.
EXPERIMENT = "prepare_image"


class ImageBuildDetails(object):
    """How the building of an environment goes, which is the run of an empty command in it."""

    def __init__(self, environment_client: Any, location: Any) -> None:
        """The building that `location`, a run, does; `environment_client` is not needed."""
        self._run: Any = location

    @property
    def status(self) -> str:
        """`Running`, `Succeeded` or `Failed`."""
        return _STATUSES.get(self._run.get_status(), "Running")

    def get_log(self) -> str:
        """What has been printed until now."""
        return str(self._run._log_text())

    def wait_for_completion(self, show_output: bool = True) -> ImageBuildDetails:
        """Wait until it ends, and show what it prints.

        Raises:
            ActivityFailedException: The environment cannot be built; the text says why.
        """
        self._run.wait_for_completion(show_output=show_output)
        return self


def build(workspace: Any, environment: Any) -> ImageBuildDetails:
    """Have the environment built now, by a run that does nothing in it."""
    from azureml.core.experiment import Experiment
    from azureml.core.script_run_config import ScriptRunConfig

    with tempfile.TemporaryDirectory(prefix="stepwell-build-") as empty:
        asked = ScriptRunConfig(empty, command="true", environment=environment)
        run = Experiment(workspace, EXPERIMENT).submit(asked)
    return ImageBuildDetails(None, run)


_STATUSES = {"Completed": "Succeeded", "Failed": "Failed", "Canceled": "Failed"}


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
