"""Which steps run in a JVM that others use after them, and which JVM fits a step. Pure.

A JVM is begun with a few variables, the memory and the Java options that a step asks for. Steps
that ask for the same share it. A step that needs something of its own in the JVM itself, such as
JARs, gets one of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Dict, List, Mapping, NamedTuple

from stepwell._spark._request import Request
from stepwell._spark._settings import Settings
from stepwell._spark._submit import Application, own_variables
from stepwell._spark._warm._daemon import STEP

DAEMON = "stepwell._spark._warm._daemon"
_PYTHONPATH = "spark.executorEnv.PYTHONPATH"

BEGUN_WITH = (
    "spark.driver.memory",
    "spark.driver.memoryOverhead",
    "spark.driver.defaultJavaOptions",
    "spark.driver.extraJavaOptions",
)
"""Properties that a JVM must be begun with; all others are those of an application."""

_OWN_JVM = (
    "spark.driver.extraClassPath",
    "spark.driver.extraLibraryPath",
    "spark.driver.userClassPathFirst",
    "spark.jars",
    "spark.files",
    "spark.archives",
    "spark.submit",
    "spark.plugins",
    "spark.kerberos",
    "spark.pyspark",
    "spark.python.daemon.module",
    "spark.sql.hive",
)
"""Beginnings of properties that put something into the JVM which could not be taken out again."""

_PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
    *("LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONHASHSEED", "PYSPARK_PIN_THREAD"),
    *("JAVA_HOME", "SPARK_CONF_DIR", "HADOOP_HOME", "HADOOP_CONF_DIR", "XDG_CACHE_HOME"),
)
"""Variables that a JVM is begun with, when they are there. None is a credential."""

_READ_BY_JAVA = (
    *("AWS_ACCESS_KEY", "AWS_SECRET", "AWS_SESSION", "AWS_PROFILE", "AWS_ENDPOINT"),
    *("GOOGLE_APPLICATION_", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "SPARK_"),
)
"""Beginnings of variables that Spark's JVM itself reads."""


class Wanted(NamedTuple):
    """The JVM that a step can use."""

    environ: Dict[str, str]
    begun_with: Dict[str, str]

    @property
    def key(self) -> str:
        """Equal for two steps that can use the same JVM."""
        text = json.dumps([self.environ, self.begun_with], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


def why_not(
    request: Request,
    settings: Settings,
    conf: Mapping[str, str],
    attached: Mapping[str, List[str]],
    environ: Mapping[str, str],
) -> str:
    """Why a step has a JVM of its own; empty when it can use one that others use after it."""
    if not settings.warm:
        return "the compute target says warm=False"
    if not settings.is_local or settings.master.startswith("local-cluster"):
        return "its executors are elsewhere"
    if request.code.kind == "jar":
        return "it runs a JAR"
    if any(attached.values()):
        return "it brings " + " and ".join(sorted(name for name in attached if attached[name]))
    if own_variables(request):
        return "it sets spark_env_variables"
    own = sorted(name for name in conf if name.startswith(_OWN_JVM))
    if conf.get("spark.sql.catalogImplementation", "in-memory") != "in-memory":
        own.append("spark.sql.catalogImplementation")
    if own:
        return "it sets " + own[0]
    read = sorted(
        name
        for name in environ
        if name.startswith(_READ_BY_JAVA) and name not in (*_PASSED, "SPARK_HOME")
    )
    return "Spark reads the variable " + read[0] if read else ""


def wanted(
    conf: Mapping[str, str], environ: Mapping[str, str], variables: Mapping[str, str]
) -> Wanted:
    """The JVM that fits.

    Args:
        conf: The properties of the step.
        environ: The variables of the step.
        variables: Those that every JVM of Spark gets from here.
    """
    passed = {name: environ[name] for name in sorted(environ) if _is_passed(name)}
    begun_with = {name: conf[name] for name in BEGUN_WITH if name in conf}
    return Wanted({**passed, **variables}, begun_with)


def of_application(
    settings: Settings,
    application: Application,
    conf: Mapping[str, str],
    pythonpath: str,
    process: int,
) -> Dict[str, str]:
    """Properties in place of the arguments and variables that `spark-submit` would be given.

    Args:
        settings: Where it runs.
        application: What runs.
        conf: The properties of the step.
        pythonpath: The step's own PYTHONPATH.
        process: The number of the worker's process, whose variables the step's functions find.
    """
    paths = [conf.get(_PYTHONPATH, ""), pythonpath]
    return {
        "spark.master": settings.master,
        "spark.app.name": application.name,
        "spark.submit.deployMode": "client",
        "spark.submit.pyFiles": "",
        "spark.python.daemon.module": DAEMON,
        _PYTHONPATH: os.pathsep.join(each for each in paths if each),
        "spark.executorEnv." + STEP: str(process),
    }


def _is_passed(name: str) -> bool:
    return name in _PASSED or name.startswith("LC_")
