"""Where this worker stands: what `azureml_user.parallel_run.EntryScript` tells the script."""

from __future__ import annotations

import logging
import os
from typing import Any, Dict, Optional

_FORMAT = "%(asctime)s|%(levelname)s|%(process)d|%(message)s"


class Place(object):
    """The worker's folders and its logger."""

    def __init__(self, job: Dict[str, Any]) -> None:
        """The place that the driver has named in its welcome."""
        self.working_dir = os.getcwd()
        self.log_dir: str = job["logs"]
        output = job.get("output")
        self.output_dir: Optional[str] = os.path.abspath(output) if output else None
        self.agent_name = "node{}_process{:03d}".format(job["node"], job["process"])
        self.logger = _logger(job)


def _logger(job: Dict[str, Any]) -> logging.Logger:
    """A logger into `entry_script_log/<node>/process000.log.txt`, made at the first line."""
    folder = os.path.join(job["logs"], "entry_script_log", str(job["node"]))
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "process{:03d}.log.txt".format(job["process"]))
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("stepwell.entry_script")
    logger.setLevel(job["logging_level"])
    logger.propagate = False
    logger.handlers[:] = [handler]
    return logger


_HERE: Optional[Place] = None


def enter(job: Dict[str, Any]) -> None:
    """This process is a worker from now on."""
    global _HERE
    _HERE = Place(job)


def here() -> Place:
    """The place of this worker; outside one, as when a script is tried at a desk, a plain one."""
    if _HERE is not None:
        return _HERE
    plain = Place.__new__(Place)
    plain.working_dir = plain.log_dir = plain.output_dir = os.getcwd()
    plain.agent_name = "local"
    plain.logger = logging.getLogger("stepwell.entry_script")
    return plain
