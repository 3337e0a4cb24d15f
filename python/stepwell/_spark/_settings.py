"""The settings of a compute target: which Spark runs the steps on it.

Settings come from the target that the workspace keeps; a target without settings runs Spark on
this machine. Everything here is pure.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Dict, Mapping, NamedTuple, Optional

from stepwell._worker import Failure

MASTERS = re.compile(
    r"local(\[(\*|\d+)(,\s*\d+)?\])?$|spark://.+|yarn$|k8s://.+|local-cluster\[.+\]$"
)
KNOWN = (
    "master",
    "conf",
    "driver_memory",
    "executor_memory",
    "workspace_url",
    "token_variable",
    "token_secret",
    "dbfs_root",
    "poll_seconds",
    "warm",
    "warm_seconds",
)


class Settings(NamedTuple):
    """How the steps on one target run."""

    master: str
    """Spark's master, as `spark-submit --master` takes it."""
    conf: Dict[str, str]
    driver_memory: Optional[str]
    executor_memory: Optional[str]
    workspace_url: Optional[str]
    """The address of a Databricks workspace: steps are jobs there."""
    token_variable: str
    """The environment variable with that workspace's token."""
    token_secret: str
    """The secret with that token, which is used when the variable is not set."""
    dbfs_root: Optional[str]
    """The folder that stands for DBFS on this machine."""
    poll_seconds: float
    """The longest time between two questions about a job of a workspace."""
    warm: bool
    """Whether Spark's JVM is kept for the next steps, where that can be."""
    warm_seconds: float
    """How long a JVM is kept that no step uses."""

    @property
    def is_local(self) -> bool:
        """Whether the executors run on this machine only, inside the driver."""
        return self.master.startswith("local")

    @property
    def is_loopback(self) -> bool:
        """Whether nothing outside of this machine needs to reach the driver."""
        return self.is_local or bool(
            re.match(r"spark://(127\.0\.0\.1|localhost|\[::1\])[:,]", self.master)
        )


def token_secret(target: str) -> str:
    """The secret with the token that a program has attached a target with.

    >>> token_secret("my_dbc.2")
    'databricks-token-my-dbc-2'
    """
    return ("databricks-token-" + re.sub(r"[^A-Za-z0-9]", "-", target))[:127]


def parse(target: str, raw: Mapping[str, Any], where: str = "local[*]") -> Settings:
    """Read the settings of a target; `where` is the master of a target that names none.

    Settings of other kinds of use, such as the sizes that a program attached the target with, are
    left alone; a name that is nearly one of these is refused.

    Raises:
        Failure: Naming the setting.
    """
    for name in raw:
        near = difflib.get_close_matches(name, KNOWN, 1, 0.85)
        if name not in KNOWN and near:
            raise Failure(
                "user_code",
                f"compute target `{target}` has no setting `{name}`",
                hint=f"did you mean `{near[0]}`?",
            )
    master = str(raw.get("master") or where)
    if not MASTERS.match(master):
        raise Failure(
            "user_code",
            f"compute target `{target}` has the master `{master}`",
            hint="it is `local[*]`, `local[N]`, `spark://HOST:PORT`, `yarn` or `k8s://URL`",
        )
    url = raw.get("workspace_url")
    if url and not re.match(r"https?://[^/\s]+", str(url)):
        raise Failure(
            "user_code",
            f"compute target `{target}` has the workspace_url `{url}`",
            hint="it is the address of a workspace, such as https://adb-12345.6.azuredatabricks.net",
        )
    conf = raw.get("conf") or {}
    return Settings(
        master,
        {str(name): str(value) for name, value in conf.items()},
        raw.get("driver_memory"),
        raw.get("executor_memory"),
        str(url).rstrip("/") if url else None,
        str(raw.get("token_variable") or "DATABRICKS_TOKEN"),
        str(raw.get("token_secret") or token_secret(target)),
        raw.get("dbfs_root"),
        float(raw.get("poll_seconds") or 10),
        raw.get("warm") is not False,
        float(raw.get("warm_seconds") or 300),
    )
