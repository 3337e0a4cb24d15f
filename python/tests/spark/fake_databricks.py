"""A Databricks workspace for tests: jobs that are submitted run through states and end.

It answers in the shapes of the Jobs API 2.2, as far as a client of runs uses it, and DBFS and
workspace files 2.0. `faults` are answers that come instead, once each, to calls of a path.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import parse_qsl, urlsplit

TOKEN = "dapi-secret-token"
Answer = Tuple[int, Any, Dict[str, str]]


class Workspace(object):
    """The state of the workspace, and its server."""

    def __init__(self) -> None:
        self.runs: Dict[int, Dict[str, Any]] = {}
        self.tokens: Dict[str, int] = {}
        self.calls: List[Tuple[str, Dict[str, Any]]] = []
        self.faults: List[Tuple[str, Optional[Answer]]] = []
        """The end of a path, and the answer instead; `None` breaks the connection after the call
        has been performed."""
        self.files: Dict[str, bytes] = {}
        self.sent: Dict[str, bytes] = {}
        """Files that were written, also those that are removed by now."""
        self.notebooks: Dict[str, bytes] = {}
        self.outcome: Dict[str, Any] = {"result_state": "SUCCESS"}
        self.output: Dict[str, Any] = {}
        self.newer = True
        """Whether runs have the `status` of version 2.2 beside the older `state`."""
        self.held = threading.Event()
        """Runs stay in RUNNING until this is set."""
        self.held.set()
        self.writes: Dict[str, bytes] = {}
        """Files that a job writes before it ends; `{run}` is the folder of the step on DBFS."""
        self.valid_token = TOKEN
        self.cluster_state = "RUNNING"
        self._handles: Dict[int, str] = {}
        self._lock = threading.RLock()
        workspace = self

        class Handler(_Handler):
            owner = workspace

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def bodies(self, end: str) -> List[Dict[str, Any]]:
        """What the calls of a path were sent."""
        return [body for path, body in self.calls if path.endswith(end)]

    def answer(self, path: str, body: Dict[str, Any]) -> Answer:
        with self._lock:
            handler = getattr(
                self,
                "_"
                + path.split("/api/", 1)[-1].split("/", 1)[-1].replace("/", "_").replace("-", "_"),
                None,
            )
            if handler is None:
                return _error(404, "ENDPOINT_NOT_FOUND", "No API found for " + path)
            value: Answer = handler(body)
            return value

    def _jobs_runs_submit(self, body: Dict[str, Any]) -> Answer:
        token = body.get("idempotency_token")
        if token in self.tokens:
            return 200, {"run_id": self.tokens[token]}, {}
        run_id = 1000 + len(self.runs)
        self.tokens[token or str(run_id)] = run_id
        self.runs[run_id] = {"body": body, "asked": 0, "cancelled": False}
        return 200, {"run_id": run_id}, {}

    def _jobs_runs_get(self, query: Dict[str, Any]) -> Answer:
        run_id = int(query["run_id"])
        if run_id not in self.runs:
            return _error(400, "INVALID_PARAMETER_VALUE", f"Run {run_id} does not exist.")
        run = self.runs[run_id]
        tasks = [
            {"task_key": task["task_key"], "run_id": run_id * 10 + index}
            for index, task in enumerate(run["body"]["tasks"])
        ]
        if query.get("page_token") == "second":
            return 200, {"run_id": run_id, "tasks": tasks}, {}
        run["asked"] += 1
        answer = {
            "run_id": run_id,
            "run_page_url": self.url + f"/#job/run/{run_id}",
            # The first page holds other tasks: whoever does not follow finds no task of its own.
            "tasks": [{"task_key": "other", "run_id": 1}],
            "next_page_token": "second",
            "has_more": True,
        }
        return 200, {**answer, **self._state(run)}, {}

    def _state(self, run: Dict[str, Any]) -> Dict[str, Any]:
        if run["cancelled"]:
            old = {"life_cycle_state": "TERMINATED", "result_state": "CANCELED"}
            new = {"type": "SUCCESS", "code": "USER_CANCELED", "message": "Run cancelled."}
            new["type"] = "CLIENT_ERROR"
        elif run["asked"] == 1:
            return self._both({"life_cycle_state": "PENDING"}, {"state": "PENDING"})
        elif run["asked"] == 2 or not self.held.is_set():
            return self._both({"life_cycle_state": "RUNNING"}, {"state": "RUNNING"})
        else:
            old = {"life_cycle_state": "TERMINATED", **self.outcome}
            new = {
                "type": "SUCCESS" if old.get("result_state") == "SUCCESS" else "CLIENT_ERROR",
                "code": {"SUCCESS": "SUCCESS"}.get(
                    str(old.get("result_state")), self.outcome.get("code", "RUN_EXECUTION_ERROR")
                ),
                "message": old.get("state_message", ""),
            }
            old.pop("code", None)
            folder = re.search(r"dbfs:(/stepwell/[\w-]+)", json.dumps(run["body"]))
            for name, data in self.writes.items():
                self.files[name.replace("{run}", folder.group(1) if folder else "")] = data
        return self._both(old, {"state": "TERMINATED", "termination_details": new})

    def _both(self, old: Dict[str, Any], new: Dict[str, Any]) -> Dict[str, Any]:
        return {"state": old, "status": new} if self.newer else {"state": old}

    def _jobs_runs_get_output(self, query: Dict[str, Any]) -> Answer:
        if int(query["run_id"]) < 10000:
            return _error(
                400,
                "INVALID_PARAMETER_VALUE",
                "Retrieving the output of runs with multiple tasks is not supported.",
            )
        return 200, {"metadata": {"run_id": int(query["run_id"])}, **self.output}, {}

    def _jobs_runs_cancel(self, body: Dict[str, Any]) -> Answer:
        self.runs[int(body["run_id"])]["cancelled"] = True
        return 200, {}, {}

    def _clusters_get(self, query: Dict[str, Any]) -> Answer:
        return 200, {"cluster_id": query["cluster_id"], "state": self.cluster_state}, {}

    def _dbfs_create(self, body: Dict[str, Any]) -> Answer:
        handle = 1 + len(self._handles)
        self._handles[handle] = body["path"]
        self.files[body["path"]] = b""
        return 200, {"handle": handle}, {}

    def _dbfs_add_block(self, body: Dict[str, Any]) -> Answer:
        data = base64.b64decode(body["data"])
        if len(data) > 1 << 20:
            return _error(400, "MAX_BLOCK_SIZE_EXCEEDED", "The block is too large.")
        self.files[self._handles[body["handle"]]] += data
        return 200, {}, {}

    def _dbfs_close(self, body: Dict[str, Any]) -> Answer:
        path = self._handles[body["handle"]]
        self.sent[path] = self.files[path]
        return 200, {}, {}

    def _dbfs_get_status(self, query: Dict[str, Any]) -> Answer:
        path = query["path"]
        if path in self.files:
            return 200, {"path": path, "is_dir": False, "file_size": len(self.files[path])}, {}
        if any(name.startswith(path + "/") for name in self.files):
            return 200, {"path": path, "is_dir": True}, {}
        return _error(404, "RESOURCE_DOES_NOT_EXIST", "No file or directory exists on " + path)

    def _dbfs_list(self, query: Dict[str, Any]) -> Answer:
        base = query["path"].rstrip("/") + "/"
        names = {name[len(base) :].split("/", 1)[0] for name in self.files if name.startswith(base)}
        entries = [
            {"path": base + name, "is_dir": base + name not in self.files} for name in sorted(names)
        ]
        return 200, {"files": entries}, {}

    def _dbfs_read(self, query: Dict[str, Any]) -> Answer:
        begin, length = int(query["offset"]), int(query["length"])
        data = self.files[query["path"]][begin : begin + length]
        text = base64.b64encode(data).decode("ascii")
        return 200, {"bytes_read": len(data), "data": text}, {}

    def _dbfs_delete(self, body: Dict[str, Any]) -> Answer:
        for name in [name for name in self.files if name.startswith(body["path"])]:
            del self.files[name]
        return 200, {}, {}

    def _workspace_mkdirs(self, body: Dict[str, Any]) -> Answer:
        return 200, {}, {}

    def _workspace_import(self, body: Dict[str, Any]) -> Answer:
        self.notebooks[body["path"]] = base64.b64decode(body["content"])
        return 200, {}, {}


class _Handler(BaseHTTPRequestHandler):
    owner: Workspace
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._respond(parts.path, dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._respond(urlsplit(self.path).path, json.loads(data or b"{}"))

    def _respond(self, path: str, body: Dict[str, Any]) -> None:
        owner = self.owner
        fault = next((each for each in owner.faults if path.endswith(each[0])), None)
        if fault is not None:
            owner.faults.remove(fault)
        if path.startswith("/.well-known"):
            answer: Optional[Answer] = _error(404, "NOT_FOUND", "no configuration")
        elif self.headers.get("Authorization") != "Bearer " + owner.valid_token:
            answer = (
                401,
                {"error_code": "401", "message": "Credential was not sent or is invalid."},
                {},
            )
        elif fault is not None and fault[1] is not None:
            answer = fault[1]
        else:
            owner.calls.append((path, body))
            answer = owner.answer(path, body)
            if fault is not None:
                self.close_connection = True
                self.connection.close()
                return
        status, value, headers = answer
        data = value if isinstance(value, bytes) else json.dumps(value).encode("utf-8")
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _error(status: int, code: str, message: str) -> Answer:
    return status, {"error_code": code, "message": message}, {}
