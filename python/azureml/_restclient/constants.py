"""Words of run history that programs and libraries import from here."""

from __future__ import annotations

from typing import List

BASE_RUN_SOURCE = "azureml.runsource"
SDK_TARGET = "sdk"
RUN_ORIGIN = "ExperimentRun"
NOTEBOOK_ORIGIN = "LocalUpload"
DEFAULT_PAGE_SIZE = 500
# Folders are not limited in size; libraries set these to raise v1's limits.
SNAPSHOT_MAX_FILES = 2_000
SNAPSHOT_MAX_SIZE_BYTES = 314_572_800


class RunStatus(object):
    """The statuses of a run."""

    UNAPPROVED = "Unapproved"
    NOT_STARTED = "NotStarted"
    STARTING = "Starting"
    PROVISIONING = "Provisioning"
    PREPARING = "Preparing"
    QUEUED = "Queued"
    PAUSING = "Pausing"
    PAUSED = "Paused"
    RUNNING = "Running"
    NOT_RESPONDING = "NotResponding"
    CANCEL_REQUESTED = "CancelRequested"
    FINALIZING = "Finalizing"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @classmethod
    def list(cls) -> List[str]:
        """All statuses."""
        return [getattr(cls, name) for name in vars(cls) if name.isupper()]

    @classmethod
    def get_running_statuses(cls) -> List[str]:
        """The statuses of a run that is not over."""
        over = (cls.COMPLETED, cls.FAILED, cls.CANCELED)
        return [status for status in cls.list() if status not in over]
