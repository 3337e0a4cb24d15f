"""`dbutils`: what notebooks written for Databricks call.

Supported are `widgets`, `fs`, `notebook`, `secrets`, `library` and `jobs.taskValues`. Another
member says that it is not there.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Callable, Dict, List, Mapping, Optional

from stepwell._spark._notebook._fs import Fs
from stepwell._spark._notebook._outputs import Secrets
from stepwell._spark._notebook._widgets import Widgets


class NotebookExit(BaseException):
    """`dbutils.notebook.exit` was called: the notebook ends here, successfully."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class RestartPython(BaseException):
    """`dbutils.library.restartPython` was called: the next cell begins with nothing defined."""


class SecretStore(object):
    """`dbutils.secrets`: variables `STEPWELL_SECRET_<SCOPE>_<KEY>`, then the workspace's secrets.

    A scope of Databricks may be a key vault, whose secrets are the scope's keys; the vault of this
    workspace is taken for each.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        secrets: Secrets,
        vault: Callable[[str], Optional[str]],
    ) -> None:
        """Read from the environment and a vault.

        Args:
            environ: The variables.
            secrets: What is replaced in all that the notebook puts out; values are added.
            vault: The text of a secret of the workspace, if there is one.
        """
        self._environ = environ
        self._secrets = secrets
        self._vault = vault

    def get(self, scope: str, key: str) -> str:
        """The value of a secret; it is replaced in all that the notebook puts out."""
        name = secret_variable(scope, key)
        value = self._environ[name] if name in self._environ else self._vault(key)
        if value is None:
            raise KeyError(
                f"the secret `{key}` of the scope `{scope}` is not there; keep it with "
                "`stepwell secrets "
                f"set {key}`, or set the environment variable {name} where the server is started"
            )
        self._secrets.add(value)
        return value

    def getBytes(self, scope: str, key: str) -> bytes:
        """The value of a secret as bytes."""
        return self.get(scope, key).encode("utf-8")


def secret_variable(scope: str, key: str) -> str:
    """The environment variable of a secret.

    >>> secret_variable("my-scope", "db.password")
    'STEPWELL_SECRET_MY_SCOPE_DB_PASSWORD'
    """
    return "STEPWELL_SECRET_" + re.sub(r"[^A-Z0-9]", "_", f"{scope}_{key}".upper())


def workspace_secret(key: str) -> Optional[str]:
    """The text of a secret of the step's workspace; `None` without a server, and if it has none."""
    if not os.environ.get("STEPWELL_URL"):
        return None
    from urllib.parse import quote

    from stepwell import errors
    from stepwell._connect import connect

    try:
        return str(connect().get("/secrets/" + quote(key, safe=""))["value"])
    except errors.NotFound:
        return None


class TaskValues(object):
    """`dbutils.jobs.taskValues`: small values that steps of one pipeline run pass on."""

    def __init__(self, folder: str, task: str) -> None:
        self._folder = folder
        self._task = task

    def set(self, key: str, value: Any) -> None:
        """Keep a value; it must be JSON."""
        os.makedirs(self._folder, exist_ok=True)
        values = self._read(self._task)
        values[key] = value
        path = self._path(self._task)
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump(values, file)
        os.replace(path + ".part", path)

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:
        """The value that a step of this name kept."""
        values = self._read(taskKey)
        if key in values:
            return values[key]
        if default is not None:
            return default
        raise ValueError(
            "the step `{}` has set no task value `{}`; it has {}".format(
                taskKey, key, ", ".join("`%s`" % each for each in values) or "none"
            )
        )

    def _path(self, task: str) -> str:
        return os.path.join(self._folder, re.sub(r"[^\w.-]", "_", task) + ".json")

    def _read(self, task: str) -> Dict[str, Any]:
        try:
            with open(self._path(task), encoding="utf-8") as file:
                values: Dict[str, Any] = json.load(file)
                return values
        except FileNotFoundError:
            return {}


class Jobs(object):
    """`dbutils.jobs`."""

    def __init__(self, values: TaskValues) -> None:
        self.taskValues = values


class Library(object):
    """`dbutils.library`."""

    def restartPython(self) -> None:
        """End the cell; the next one begins with nothing defined and packages imported anew."""
        raise RestartPython()


class NotebookUtilities(object):
    """`dbutils.notebook`."""

    def __init__(self, runner: Any, context: Mapping[str, Any]) -> None:
        self._runner = runner
        self.entry_point = _EntryPoint(context)

    def exit(self, value: Any = "") -> None:
        """End the notebook successfully, with a value for who called it."""
        raise NotebookExit(str(value))

    def run(
        self, path: str, timeout_seconds: float = 0, arguments: Optional[Mapping[str, Any]] = None
    ) -> str:
        """Run another notebook apart from this one; gives its exit value."""
        given = {str(name): str(value) for name, value in (arguments or {}).items()}
        value: str = self._runner(path, timeout_seconds, given)
        return value

    def getContext(self) -> Any:
        """Where this notebook runs."""
        return _Context(self.entry_point._values)


class _Option(object):
    """An optional value as Scala's, as notebooks unwrap it."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def get(self) -> Any:
        if self._value is None:
            raise ValueError("this is not known outside of Databricks")
        return self._value

    def getOrElse(self, other: Any) -> Any:
        if self._value is not None:
            return self._value
        return other() if callable(other) else other

    def isDefined(self) -> bool:
        return self._value is not None


class _Tags(object):
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def apply(self, name: str) -> Any:
        return _Option(self._values.get(name)).get()

    def get(self, name: str) -> _Option:
        return _Option(self._values.get(name))


class _Context(object):
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def notebookPath(self) -> _Option:
        return _Option(self._values.get("notebook_path"))

    def currentRunId(self) -> _Option:
        return _Option(self._values.get("currentRunId"))

    def jobId(self) -> _Option:
        return _Option(self._values.get("jobId"))

    def apiUrl(self) -> _Option:
        return _Option(None)

    def apiToken(self) -> _Option:
        return _Option(None)

    def tags(self) -> _Tags:
        return _Tags(self._values)

    def extraContext(self) -> _Tags:
        return _Tags(self._values)

    def toJson(self) -> str:
        values = dict(self._values)
        return json.dumps(
            {"tags": values, "extraContext": values, "currentRunId": values.get("currentRunId")}
        )

    def safeToJson(self) -> str:
        return json.dumps({"attributes": dict(self._values)})


class _EntryPoint(object):
    """`dbutils.notebook.entry_point`, which leads to the notebook's context."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def getDbutils(self) -> _EntryPoint:
        return self

    def notebook(self) -> _EntryPoint:
        return self

    def getContext(self) -> _Context:
        return _Context(self._values)


class DBUtils(object):
    """`dbutils`."""

    def __init__(
        self,
        widgets: Widgets,
        fs: Fs,
        notebook: NotebookUtilities,
        secrets: SecretStore,
        values: TaskValues,
    ) -> None:
        self.widgets = widgets
        self.fs = fs
        self.notebook = notebook
        self.secrets = secrets
        self.library = Library()
        self.jobs = Jobs(values)

    def help(self, *names: str) -> None:
        """Print what there is."""
        members: List[str] = sorted(name for name in vars(self) if not name.startswith("_"))
        print("dbutils has {}".format(", ".join(members)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            "dbutils.{} is not there; there are {}".format(name, ", ".join(sorted(vars(self))))
        )
