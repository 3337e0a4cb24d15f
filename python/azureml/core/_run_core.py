"""What every run is: an id, an experiment, and the server's record of it.

The record is read when it is first needed and kept; what can change while a run goes on, such as
its status, is read anew each time it is asked for. The other parts of `Run` build on this class
and know of each other only through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

from azureml.core import _run_details, _run_filter, _run_links

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from stepwell import _wire
    from stepwell.client import Client

LOG_FILE = "user_logs/std_log.txt"
# What the server has to say of the Python that ran, such as that it is not the one asked for.
NOTICES = "system_logs/environment.log"
# Kinds of failure that are no fault of what the user's program is or asks for.
SYSTEM_FAULTS = ("internal", "lost", "storage")
LOG_PREFIXES = ("user_logs/", "logs/", "azureml-logs/", "system_logs/")


class RunCore(object):
    """The identity of a run and what the server knows of it."""

    def __init__(
        self, experiment: Experiment, run_id: str, outputs: Any = None, **kwargs: Any
    ) -> None:
        """The run `run_id`; the server is not asked whether it exists.

        Args:
            experiment: The experiment it belongs to.
            run_id: Its id.
            outputs: Where the run of a program keeps what it writes; for `start_logging`.
        """
        self._experiment = experiment
        self._run_id = str(run_id)
        self._outputs = outputs
        self._known: Optional[_wire.Run] = kwargs.get("_record")

    # The server's record.

    @property
    def _client(self) -> Client:
        return self._experiment.workspace._client

    @property
    def _path(self) -> str:
        return "/runs/" + self._run_id

    @property
    def _record(self) -> _wire.Run:
        """The record as it was last read."""
        return self._known if self._known is not None else self._fresh()

    def _fresh(self) -> _wire.Run:
        """The record as it is now."""
        record: _wire.Run = self._client.get(self._path)
        self._known = record
        return record

    def _change(self, **change: Any) -> None:
        self._known = self._client.patch(self._path, change)

    # Who it is.

    @property
    def id(self) -> str:
        """Its id."""
        return self._run_id

    @property
    def identity(self) -> str:
        """A name for logs."""
        return f"{type(self).__name__}#{self._run_id}"

    @property
    def experiment(self) -> Experiment:
        """The experiment it belongs to."""
        return self._experiment

    @property
    def name(self) -> str:
        """Its name for people; the same as `display_name`."""
        return self.display_name

    @property
    def display_name(self) -> str:
        """Its name for people; can be set."""
        return str(self._record["display_name"])

    @display_name.setter
    def display_name(self, display_name: str) -> None:
        self._change(display_name=display_name)

    @property
    def description(self) -> str:
        """Its description; can be set."""
        return str(self._record["description"])

    @description.setter
    def description(self, description: str) -> None:
        self._change(description=description)

    @property
    def type(self) -> Optional[str]:
        """The v1 word for its kind; `None` for a run that a program opened itself."""
        return _run_filter.type_of(self._record)

    @property
    def number(self) -> int:
        """Its number within the experiment."""
        return int(self._record["number"])

    @property
    def status(self) -> str:
        """Its status now, in the words of run history: `Completed` when all went well."""
        return str(self._fresh()["status"])

    def get_status(self) -> str:
        """Its status now.

        Returns:
            A word of run history, such as `Running`, `Completed`, `Failed` or `Canceled`.
        """
        return self.status

    def get_detailed_status(self) -> Dict[str, Any]:
        """Its status now, and why it failed if it did.

        Returns:
            The keys `status`, and `details`: a sentence, empty unless it failed.
        """
        record = self._fresh()
        return {"status": record["status"], "details": sentence(record)}

    # Tags and properties.

    @property
    def tags(self) -> Dict[str, Optional[str]]:
        """Its tags, as last read; one that was set without a value has `None`."""
        return _tags_of(self._record)

    @property
    def properties(self) -> Dict[str, str]:
        """Its properties, as last read."""
        return _run_filter.properties_of(self._record)

    def get_tags(self) -> Dict[str, Optional[str]]:
        """Its tags now; one that was set without a value has `None`.

        Returns:
            Texts by name.
        """
        return _tags_of(self._fresh())

    def get_properties(self) -> Dict[str, str]:
        """Its properties now.

        Returns:
            Texts by name.
        """
        return _run_filter.properties_of(self._fresh())

    def tag(self, key: str, value: Optional[str] = None) -> None:
        """Set one tag.

        Args:
            key: The tag's name.
            value: Its value; a tag need not have one.
        """
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
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
        self._change(remove_tags=[tags] if isinstance(tags, str) else list(tags))

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Add properties; one that is set already cannot be changed.

        Args:
            properties: Texts by name; other values become texts.
        """
        self._change(add_properties=texts(properties))

    # Details.

    def get_details(self) -> Dict[str, Any]:
        """What there is to know about the run, in the shape v1 has it.

        Returns:
            Among others `runId`, `status`, `startTimeUtc`, `endTimeUtc`, `properties`, `logFiles`
            (addresses by name), `inputDatasets`, `outputDatasets`, and `error` if it failed.
        """
        record = self._fresh()
        details: Dict[str, Any] = {
            "runId": self._run_id,
            "target": record["target"],
            "status": record["status"],
            "startTimeUtc": record["started_at"] or record["ended_at"],
            "endTimeUtc": record["ended_at"],
            "services": {},
            "properties": _run_filter.properties_of(record),
            "inputDatasets": [],
            "outputDatasets": [],
            "logFiles": {name: self._file_address(name) for name in self._log_names()},
            "submittedBy": record["user"],
        }
        submission = _run_details.submission_of(self)
        step = _run_details.step_of(record, submission) if submission else None
        if submission is not None and step is not None:
            details["runDefinition"] = _run_details.run_definition(record, step)
            details["inputDatasets"] = _run_details.input_datasets(self, submission)
            details["outputDatasets"] = _run_details.output_datasets(self, step)
        if record["error"]:
            details["error"] = error_of(record)
        if NOTICES in details["logFiles"]:
            text = self._client.read(f"{self._path}/files/{NOTICES}").body
            lines = text.decode("utf-8", "replace").splitlines()
            details["warnings"] = [
                {"source": "Environment", "message": line.partition(": ")[2]} for line in lines[-1:]
            ]
        return details

    def get_portal_url(self) -> str:
        """The address of the run's page.

        Returns:
            The address, with a ticket that lets the browser in.
        """
        return _run_links.run_page(self._client, self._run_id)

    @property
    def portal_url(self) -> str:
        """The address of the server's pages."""
        return self._client.url

    @classmethod
    def get_docs_url(cls) -> str:
        """Where runs are explained.

        Returns:
            An address.
        """
        return _run_links.DOCUMENTATION

    def _files(self, prefix: Optional[str] = None) -> List[str]:
        reply = self._client.get(self._path + "/files", prefix=prefix)
        return [file["name"] for file in reply["files"]]

    def _log_names(self) -> List[str]:
        return [name for name in self._files() if name.startswith(LOG_PREFIXES)]

    def _file_address(self, name: str) -> str:
        return _run_links.file_address(self._client, self._run_id, name)

    # Looks.

    def __repr__(self) -> str:
        """Experiment, id, kind and status as last read; the server is not asked."""
        words = ["Experiment: " + self._experiment.name, "Id: " + self._run_id]
        if self._known is not None:
            words.append(f"Type: {self.type}")
            words.append("Status: {}".format(self._known["status"]))
        return "Run({})".format(",\n".join(words))

    def __str__(self) -> str:
        """The same as `repr`."""
        return repr(self)

    def _repr_html_(self) -> str:
        record = self._fresh()
        return _run_links.html_table(
            {
                "Experiment": self._experiment.name,
                "Id": self._run_id,
                "Type": str(self.type or ""),
                "Status": word(record),
                "Details Page": _run_links.link(self.get_portal_url(), "Link to Stepwell"),
            }
        )


def texts(values: Mapping[str, Any]) -> Dict[str, str]:
    """Tags or properties as the server keeps them: texts, with nothing as an empty one."""
    return {str(key): "" if value is None else str(value) for key, value in values.items()}


def _tags_of(record: _wire.Run) -> Dict[str, Optional[str]]:
    return {name: value or None for name, value in record["tags"].items()}


def error_of(record: _wire.Run) -> Dict[str, Any]:
    """Why a run failed, in the shape that v1 programs take apart."""
    error = record["error"]
    if error is None:
        raise ValueError("run {} has not failed".format(record["id"]))
    code = "SystemError" if error["kind"] in SYSTEM_FAULTS else "UserError"
    return {
        "error": {"code": code, "message": sentence(record), "details": []},
        "time": record["ended_at"],
    }


def word(record: _wire.Run) -> str:
    """How far a run is, in the one word of Stepwell's tables and pages.

    >>> word({"status": "Completed", "reused_from": "01a2", "error": None})
    'Reused'
    """
    if record.get("reused_from"):
        return "Reused"
    error = record.get("error")
    return "Skipped" if error and error["kind"] == "skipped" else record["status"]


def short_sentence(record: _wire.Run) -> str:
    """What went wrong, with the exception of the traceback only, and what to do."""
    from stepwell._last_words import last_words

    error = record["error"]
    if not error:
        return ""
    last = last_words(error["detail"] or "")
    hint = "hint: " + error["hint"] if error["hint"] else ""
    message = error["message"]
    shown = message if not last or last in message else f"{message}: {last}"
    return "\n".join(part for part in (shown, hint) if part)


def sentence(record: _wire.Run) -> str:
    """What went wrong, the last lines of the traceback, and what to do."""
    error = record["error"]
    if not error:
        return ""
    hint = "hint: " + error["hint"] if error["hint"] else ""
    return "\n".join(part for part in (error["message"], error["detail"], hint) if part)
