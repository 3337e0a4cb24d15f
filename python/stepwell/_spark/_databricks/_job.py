"""Runs a step as one job of a workspace: stage, submit, poll, report.

The job does not depend on this process: when it dies, the next attempt finds the run by its
record. When the step is cancelled, the run is cancelled and its end awaited.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Mapping, Optional

from stepwell._spark import _failure
from stepwell._spark._databricks import _data, _files, _payload, _states
from stepwell._spark._databricks._api import Api, Refused
from stepwell._spark._databricks._intent import Intent
from stepwell._spark._databricks._token import Token
from stepwell._spark._ports import argument_pairs, widgets
from stepwell._spark._request import Request
from stepwell._spark._settings import Settings
from stepwell._worker import Failure, Worker

FIRST_POLL_S = 1.0
CANCELLED_WAIT_S = 1.0
CANCELLED_STATUS = 143  # 128 + SIGTERM, as a program that the signal ended


def run(worker: Worker, request: Request, settings: Settings) -> int:
    """Run the step; gives the exit status.

    Raises:
        Failure: The workspace refuses the job, or cannot be reached.
    """
    return Job(worker, request, settings, os.environ).run()


class Job(object):
    """One step on its way through a workspace."""

    def __init__(
        self, worker: Worker, request: Request, settings: Settings, environ: Mapping[str, str]
    ) -> None:
        self._worker = worker
        self._request = request
        self._environ = environ
        self._poll_s_max = settings.poll_seconds
        url = settings.workspace_url or ""
        token = Token(url, settings.token_variable, settings.token_secret, environ)
        self._api = Api(url, token, self._sleep)
        self._intent = Intent.open(request.state, url)

    def run(self) -> int:
        """Stage, submit, poll, report."""
        try:
            data = _data.Data(self._worker, self._request, self._api)
            run_id = self._intent.run_id or self._submit(data)
            ended = self._follow(run_id)
            if ended is None:
                return CANCELLED_STATUS
            status = self._report(run_id, ended)
            if status == 0:
                data.bring_back()
            data.clean_up()
            return status
        except Refused as refused:
            raise Failure(
                "user_code",
                f"Databricks refuses the job: {refused.message}",
                hint=refused.code,
            ) from None

    def _sleep(self, seconds: float) -> None:
        """Wait; once the step is cancelled, a second at most."""
        if self._worker.is_stopping or self._worker.wait(seconds):
            time.sleep(min(seconds, CANCELLED_WAIT_S))

    def _submit(self, data: _data.Data) -> int:
        self._check_cluster()
        source = self._source()
        if not self._intent.is_staged:
            data.send()
            self._send_source(source)
            self._intent.staged()
        uris = data.uris()
        arguments = self._request.resolved(uris)
        arguments += argument_pairs(self._request, uris, self._environ)
        if source and self._request.code.kind == "script":
            arguments += ["--AZUREML_SCRIPT_DIRECTORY_NAME", source]
        parameters = widgets(self._request, uris, self._environ)
        body = _payload.submit_body(
            self._request, self._intent.token, parameters, arguments, source
        )
        run_id = int(self._api.post("/api/2.2/jobs/runs/submit", body)["run_id"])
        self._intent.submitted(run_id)
        return run_id

    def _source(self) -> Optional[str]:
        """Where the source directory is in the workspace; `None` when the step has none there."""
        if not self._request.task.get("source_is_local"):
            return None
        if self._request.code.kind == "notebook":
            return "/Shared/stepwell/" + self._request.run
        return _data.folder(self._request) + "/source"

    def _send_source(self, source: Optional[str]) -> None:
        if source is None:
            return
        if self._request.code.kind == "notebook":
            count = _files.import_notebooks(self._api, os.getcwd(), source)
        else:
            count = _files.upload(self._api, os.getcwd(), source)
        print(f"{count} files of the source directory are at {source}")

    def _check_cluster(self) -> None:
        """Refuse a cluster that is terminated and may not be started for the step."""
        cluster = self._request.cluster
        named = cluster.get("existing_cluster_id")
        if not named or cluster.get("permit_cluster_restart") is not False:
            return
        state = self._api.get("/api/2.1/clusters/get", cluster_id=named).get("state")
        if state in ("TERMINATED", "TERMINATING", "ERROR"):
            raise Failure(
                "environment",
                f"the cluster `{named}` is {state}, and the step does not permit to start it",
                hint="start it in the workspace, or set permit_cluster_restart=True",
            )

    def _follow(self, run_id: int) -> Optional[_states.Ended]:
        """Poll until the run has ended; `None` when the step was cancelled."""
        wait = FIRST_POLL_S
        shown = ""
        cancelled = False
        while True:
            run = self._get_run(run_id)
            now = _states.progress(run)
            self._worker.show_progress(**now)
            if _states.word(run) != shown:
                shown = _states.word(run)
                print(f"Databricks run {run_id}: {shown} {_page(run)}", flush=True)
            end = _states.ended(run)
            if end is not None:
                return None if cancelled else end
            if self._worker.is_stopping and not cancelled:
                cancelled = True
                self._api.post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
                print(f"Databricks run {run_id}: cancel requested", flush=True)
                wait = FIRST_POLL_S
            self._sleep(wait)
            wait = min(self._poll_s_max, wait + FIRST_POLL_S)

    def _get_run(self, run_id: int) -> Dict[str, Any]:
        """A run with all its tasks, which come in pages."""
        run = self._api.get("/api/2.2/jobs/runs/get", run_id=run_id)
        tasks: List[Any] = list(run.get("tasks") or [])
        page = run.get("next_page_token")
        while page:
            more = self._api.get("/api/2.2/jobs/runs/get", run_id=run_id, page_token=page)
            tasks += more.get("tasks") or []
            page = more.get("next_page_token")
        run["tasks"] = tasks
        return run

    def _report(self, run_id: int, end: _states.Ended) -> int:
        run = self._get_run(run_id)
        mine = [task for task in run["tasks"] if task.get("task_key") == _payload.TASK_KEY]
        output = self._output(int(mine[0]["run_id"]) if mine else run_id)
        if output.get("logs"):
            print(output["logs"])
        result = (output.get("notebook_output") or {}).get("result")
        if result:
            with open(
                os.path.join(self._request.state, "exit-value.txt"), "w", encoding="utf-8"
            ) as file:
                file.write(str(result))
            print(f"the notebook ended with `{result}`")
        if end.success:
            return 0
        failed = _states.failure(end, output, _page(run))
        print("error: " + failed.summary)
        if failed.detail:
            print(failed.detail)
        _failure.record(failed)
        return 1

    def _output(self, task_run_id: int) -> Dict[str, Any]:
        try:
            return self._api.get("/api/2.2/jobs/runs/get-output", run_id=task_run_id)
        except Refused as refused:  # a run that never began has none
            print(f"the run has no output: {refused}")
            return {}


def _page(run: Mapping[str, Any]) -> str:
    return str(run.get("run_page_url") or "")
