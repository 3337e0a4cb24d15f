"""Runs a step on open Spark: prepares its folders, starts `spark-submit`, follows it to its end.

The application runs in client mode, so it lives and dies with this process: a step that is
cancelled ends Spark's driver, and the cluster frees what it gave. The start is never repeated
here; Spark itself repeats tasks whose executor is lost.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

import stepwell
from stepwell._spark import _failure, _java, _progress, _submit
from stepwell._spark._notebook._application import NotebookNotFound, find
from stepwell._spark._notebook._shell import CommandFailed, install
from stepwell._spark._ports import argument_pairs, port_uris, widgets
from stepwell._spark._request import Request, uri
from stepwell._spark._settings import Settings
from stepwell._spark._warm import PIPE, _archive, _fit
from stepwell._spark._warm._lease import Lease, Place, lease
from stepwell._worker import Failure, Worker

PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(stepwell.__file__)))


def run(worker: Worker, request: Request, settings: Settings) -> int:
    """Run a step; gives the exit status of spark-submit.

    Raises:
        Failure: It could not be started.
    """
    spark_home, version = _java.find_spark()
    _java.find_java(version)
    folders = _folders(request, settings)
    _say_what_differs(request, settings)
    packages = _submit.python_packages(request)
    if packages:
        try:
            install([word for package in packages for word in package], folders.site)
        except CommandFailed as failed:
            hint = "what the installer printed is in the step's log"
            raise Failure("environment", str(failed), hint=hint) from None
    port = _free_port()
    cells = os.path.join(request.state, "cells.json")
    application = _application(request, folders, cells)
    attached = _submit.attachments(request, folders)
    if request.code.kind == "jar":
        attached["jars"] = attached["jars"][1:]  # the first one is the application
    variables = _submit.environment(
        request, settings, spark_home, sys.executable, PACKAGE_ROOT, folders
    )
    conf = _submit.configuration(request, settings, folders, port)
    step = _Started(request, settings, folders, application, attached, conf, variables)
    progress = os.path.join(request.state, "progress.json")
    try:
        with _progress.Watch(request.run, port, progress, cells, folders.events):
            status = step.run(worker, spark_home, version)
    finally:
        shutil.rmtree(folders.local, ignore_errors=True)
        shutil.rmtree(folders.classes, ignore_errors=True)
    if status and not _failure.is_recorded():
        _failure.record(_explain(request, status))
    return status


class _Started(NamedTuple):
    """One application, ready to be started."""

    request: Request
    settings: Settings
    folders: _submit.Folders
    application: _submit.Application
    attached: Dict[str, List[str]]
    conf: Dict[str, str]
    variables: Dict[str, str]

    def run(self, worker: Worker, spark_home: str, version: str) -> int:
        """Run it to its end in a JVM that is kept, or else by spark-submit; gives its status."""
        where = f"Spark {version} on {self.settings.master}"
        status = self._run_kept(worker, where)
        if status is not None:
            return status
        print(where)
        properties = _properties(self.conf, self._properties_path)
        variables = {**_with_archive(self.conf, self.variables), **self.variables}
        try:
            line = _submit.command(
                spark_home, self.application, self.settings, properties, self.attached
            )
            return _follow(worker, _started(line, variables))
        finally:
            os.unlink(properties)

    @property
    def _properties_path(self) -> str:
        return os.path.join(self.request.state, "spark.properties")

    def _run_kept(self, worker: Worker, where: str) -> Optional[int]:
        """Run it in a JVM that is kept, if it may use one and there is room."""
        data = os.environ.get("STEPWELL_DATA")
        if not data or _fit.why_not(
            self.request, self.settings, self.conf, self.attached, os.environ
        ):
            return None
        line = [sys.executable, self.application.resource, *self.application.arguments]
        if self.request.code.kind != "notebook":
            held = self._lease(worker, data)
            if held is None:
                return None
            print(where + held.remark)
            return _ended(held, worker, _started(line, {**self.variables, **held.environ}))
        read, write = os.pipe()
        with os.fdopen(write, "w", encoding="utf-8") as pipe:
            process = _started(line, {**self.variables, PIPE: str(read)}, [read])
            os.close(read)
            held = self._lease(worker, data)
            if held is not None:
                print(where + held.remark, flush=True)
                json.dump(held.environ, pipe)
        if held is None:
            process.wait()  # nothing came through the pipe
            return None
        return _ended(held, worker, process)

    def _lease(self, worker: Worker, data: str) -> Optional[Lease]:
        """A JVM that is kept."""
        kept = {
            name: self.variables[name]
            for name in ("SPARK_HOME", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "MPLBACKEND")
        }
        pythonpath = os.environ.get("PYTHONPATH", "")
        paths = os.pathsep.join(each for each in (PACKAGE_ROOT, pythonpath) if each)
        environ = {**kept, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": paths}
        wanted = _fit.wanted(self.conf, os.environ, environ)
        more = _fit.of_application(
            self.settings, self.application, self.conf, pythonpath, os.getpid()
        )
        properties = _properties({**self.conf, **more}, self._properties_path)
        try:
            return lease(
                data,
                wanted,
                self.settings.warm_seconds,
                Place(properties, self.folders.logging, os.getcwd(), self.folders.local),
                lambda: worker.is_stopping,
                lambda path: _properties(wanted.begun_with, path),
            )
        finally:
            os.unlink(properties)


def _with_archive(conf: Mapping[str, str], variables: Mapping[str, str]) -> Dict[str, str]:
    """The variable by which Spark's own scripts give the JVM the archive of its classes."""
    environ = {**os.environ, **variables}
    if "SPARK_SUBMIT_OPTS" in environ or "spark.driver.extraClassPath" in conf:
        return {}
    archive = _archive.find(environ)
    options = archive.options() if archive else []
    return {"SPARK_SUBMIT_OPTS": shlex.join(options)} if options else {}


def _ended(held: Lease, worker: Worker, process: subprocess.Popen[bytes]) -> int:
    """Follow a program to its end and give the JVM back; gives the program's status."""
    try:
        status = _follow(worker, process)
    finally:
        died = held.end()
    if died is not None:
        _failure.record(_of_jvm(died), replace=True)
        return status or 1
    return status


def _of_jvm(status: int) -> Failure:
    how = (
        f"was ended by {signal.Signals(-status).name}"
        if status < 0
        else f"ended with status {status}"
    )
    return Failure(
        "user_code",
        f"Spark's JVM {how} while the step ran",
        hint="it may have had too little memory: driver_memory of the step or of its compute "
        "target gives it more; its last words are in the step's log and in logs/spark.log",
    )


def _properties(conf: Dict[str, str], path: str) -> str:
    """Write the file of properties, which only its owner can read; gives its path.

    It replaces the file of defaults that Spark would read, so that one's text comes first.
    """
    folder = os.environ.get("SPARK_CONF_DIR")
    defaults = os.path.join(folder, "spark-defaults.conf") if folder else ""
    text = ""
    if os.path.isfile(defaults):
        with open(defaults, encoding="utf-8") as file:
            text = file.read() + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + _submit.properties(conf))
    return path


def _started(
    line: List[str], variables: Dict[str, str], files: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a program with these variables beside the worker's, and with some open files."""
    sys.stdout.flush()
    environ = {**os.environ, **variables}
    return subprocess.Popen(line, env=environ, stdin=subprocess.DEVNULL, pass_fds=files)


def _follow(worker: Worker, process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a program; a request to stop goes on to it."""
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
    if worker.is_stopping:  # since before the handler
        process.send_signal(signal.SIGTERM)
    status = process.wait()
    return status if status >= 0 else 128 - status


def _folders(request: Request, settings: Settings) -> _submit.Folders:
    work = os.getcwd()
    state = request.state
    logs = os.path.join(request.files, "logs")
    folders = _submit.Folders(
        work,
        settings.dbfs_root or default_dbfs(request),
        os.path.join(state, "classes"),
        os.path.join(state, "blocks"),
        os.path.join(state, "site"),
        os.path.join(logs, "spark-events"),
        os.path.join(state, "log4j2.properties"),
    )
    for folder in (folders.dbfs, folders.classes, folders.local, folders.site, folders.events):
        os.makedirs(folder, exist_ok=True)
    with open(folders.logging, "w", encoding="utf-8") as file:
        file.write(_submit.LOGGING.format(file=os.path.join(logs, "spark.log")))
    return folders


def default_dbfs(request: Request) -> str:
    """The folder for DBFS: one for all runs of a data folder."""
    data = os.environ.get("STEPWELL_DATA")
    base = data or os.path.dirname(os.path.abspath(request.state))
    return os.path.join(base, "dbfs")


def _application(request: Request, folders: _submit.Folders, cells: str) -> _submit.Application:
    code = request.code
    uris = port_uris(request)
    if code.kind == "notebook":
        return _notebook(request, folders, cells, uris)
    arguments = request.resolved(uris) + argument_pairs(request, uris, os.environ)
    if code.kind == "script":
        script = _submit.local_path(code.path, folders)
        if not os.path.isfile(script):
            raise Failure(
                "user_code",
                f"the script `{code.path}` is not there: `{script}` is no file",
                hint="give a path in the source directory, or `dbfs:/…` in the folder for DBFS",
            )
        return _submit.Application(script, None, arguments, request.app_name)
    jars = _submit.attachments(request, folders)["jars"]
    for jar in jars:
        if "://" not in jar and not os.path.isfile(jar):
            raise Failure(
                "user_code",
                f"the JAR `{jar}` is not there",
                hint="give its path on this machine, or put it below the folder for DBFS",
            )
    if not jars:
        raise Failure(
            "user_code",
            f"the step runs the class `{code.path}` and names no JAR",
            hint="name it with jar_libraries=[JarLibrary(…)]",
        )
    return _submit.Application(jars[0], code.path, arguments, request.app_name)


def _notebook(
    request: Request, folders: _submit.Folders, cells: str, uris: Dict[str, str]
) -> _submit.Application:
    """The application that runs a notebook, with the file that says which."""
    root = folders.work
    try:
        found = find(request.code.path, root, root)
    except NotebookNotFound as missing:
        raise Failure("user_code", str(missing)) from None
    job = {
        "notebook": found,
        "root": root,
        "dbfs": folders.dbfs,
        "site": folders.site,
        "values": os.path.join(
            default_dbfs(request),
            ".task-values",
            os.environ.get("AZUREML_ROOT_RUN_ID") or request.run,
        ),
        "step": request.name,
        "run": request.run,
        "parameters": widgets(request, uris, os.environ),
        "kept": os.path.join(request.files, "outputs"),
        "name": re.sub(r"[^\w.-]", "_", os.path.splitext(os.path.basename(found))[0]),
        "cells": cells,
        "value": os.path.join(request.state, "exit-value.txt"),
    }
    path = os.path.join(request.state, "notebook.json")
    _progress.write(path, job)
    app = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_app.py")
    return _submit.Application(app, None, [path], request.app_name)


def _say_what_differs(request: Request, settings: Settings) -> None:
    """Say in the step's log what a Databricks cluster would have done and this Spark does not."""
    cluster = request.cluster
    size = [name for name in ("num_workers", "min_workers", "node_type") if cluster.get(name)]
    if size and settings.is_local:
        print("{} is for a cluster; this step runs on {}".format(" ".join(size), settings.master))
    if cluster.get("init_scripts"):
        print("init_scripts are for a cluster of Databricks; they are not run here")
    for name, each in [*request.inputs.items(), *request.outputs.items()]:
        if each.local is not None:
            print(f"{name} is {uri(each)}")


def _explain(request: Request, status: int) -> Failure:
    what = {"script": "the script `{}`", "jar": "the class `{}`", "notebook": "the notebook `{}`"}
    return Failure(
        "user_code",
        f"{what[request.code.kind].format(request.code.path)} ended with status {status}",
        hint="its output is in the step's log, Spark's own messages are in logs/spark.log",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
