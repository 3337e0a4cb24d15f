"""`python -m stepwell._spark`: run one Spark step; see `stepwell._spark`."""

from __future__ import annotations

import os
import sys

from stepwell import _worker
from stepwell._spark import _request, _target


def work(worker: _worker.Worker) -> None:
    """Do the step of a worker; a status other than 0 is left with it."""
    request = _request.of(worker)
    os.makedirs(request.state, exist_ok=True)
    os.makedirs(request.files, exist_ok=True)
    settings = _target.settings(request, os.environ)
    if settings.workspace_url:
        from stepwell._spark._databricks import _job

        status = _job.run(worker, request, settings)
    else:
        from stepwell._spark import _launch

        status = _launch.run(worker, request, settings)
    if status:
        sys.exit(status)


if __name__ == "__main__":
    _worker.run(work)
