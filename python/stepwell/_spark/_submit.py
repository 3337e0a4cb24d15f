"""The command line of `spark-submit` and its environment. Pure: values in, texts out.

Only settings that differ from Spark's own defaults are named, each with the reason.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from stepwell._spark._request import Request
from stepwell._spark._settings import Settings
from stepwell._worker import Failure

RUN_PROPERTY = "spark.stepwell.run"


class Folders(NamedTuple):
    """Where one application keeps its files."""

    work: str
    """The working directory: the source directory of the step."""
    dbfs: str
    classes: str
    """The classes that Scala cells define."""
    local: str
    """Blocks and shuffle files; removed at the end."""
    site: str
    """Packages for this run."""
    events: str
    logging: str
    """The file that configures Spark's logging."""


class Application(NamedTuple):
    """What spark-submit runs."""

    resource: str
    main_class: Optional[str]
    arguments: List[str]
    name: str


def configuration(
    request: Request, settings: Settings, folders: Folders, ui_port: int
) -> Dict[str, str]:
    """Spark's properties: Stepwell's, then the target's, then the step's."""
    conf = {
        RUN_PROPERTY: request.run,
        "spark.ui.port": str(ui_port),
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.killEnabled": "false",  # the page has no password
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": "file:" + folders.events,
        # One file of lines, which tools read directly; Spark 4 would begin a folder and compress.
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.sql.warehouse.dir": "file:" + os.path.join(folders.dbfs, "user/hive/warehouse"),
        "spark.executorEnv.PYTHONPATH": folders.site,
    }
    if settings.is_loopback:
        # The driver has no password: nobody outside of this machine may reach it.
        conf["spark.driver.host"] = conf["spark.driver.bindAddress"] = "127.0.0.1"
    if request.code.kind == "notebook":
        conf["spark.repl.class.outputDir"] = folders.classes
    conf.update(_dbfs(folders.dbfs, is_default=request.task.get("style") != "synapse"))
    conf.update(_sizes(request, settings))
    conf.update(settings.conf)
    conf.update(_texts(request.cluster.get("spark_conf")))
    conf.update(_texts(_spark(request).get("conf")))
    return conf


def _dbfs(root: str, is_default: bool) -> Dict[str, str]:
    """`dbfs:/` as a folder of this machine, by Hadoop's view file system.

    Source: "View File System Overload Scheme Guide" of Hadoop.
    """
    view = "spark.hadoop.fs.viewfs."
    conf = {
        "spark.hadoop.fs.dbfs.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        view + "overload.scheme.target.dbfs.impl": "org.apache.hadoop.fs.LocalFileSystem",
        view + "mounttable.default.linkFallback": "file://" + root,
    }
    if is_default:  # as on Databricks, a path without a scheme is on DBFS
        conf["spark.hadoop.fs.defaultFS"] = "dbfs:///"
    return conf


def _sizes(request: Request, settings: Settings) -> Dict[str, str]:
    """Cores and memory: the step's before the target's."""
    asked = _spark(request)
    sizes = {
        "spark.driver.memory": asked.get("driver_memory") or settings.driver_memory,
        "spark.executor.memory": asked.get("executor_memory") or settings.executor_memory,
        "spark.driver.cores": asked.get("driver_cores"),
        "spark.executor.cores": asked.get("executor_cores"),
        "spark.executor.instances": asked.get("num_executors"),
    }
    if asked.get("num_executors") and asked.get("executor_cores"):
        # A standalone master gives an application all its cores unless it says how many.
        sizes["spark.cores.max"] = int(asked["num_executors"]) * int(asked["executor_cores"])
    return {name: str(value) for name, value in sizes.items() if value is not None}


def command(
    spark_home: str,
    application: Application,
    settings: Settings,
    properties: str,
    attached: Mapping[str, List[str]],
) -> List[str]:
    """The command line.

    Args:
        spark_home: The folder of Spark.
        application: What is run.
        settings: Where it is run.
        properties: The file of Spark's properties. They are no arguments, since arguments are
            seen by every user of the machine and properties may hold the keys of a store.
        attached: The lists of `--jars`, `--py-files`, `--files`, ….
    """
    line = [
        os.path.join(spark_home, "bin", "spark-submit"),
        *("--master", settings.master),
        *("--deploy-mode", "client"),
        *("--name", application.name),
        *("--properties-file", properties),
    ]
    for option in sorted(attached):
        if attached[option]:
            line += ["--" + option, ",".join(attached[option])]
    if application.main_class:
        line += ["--class", application.main_class]
    return [*line, application.resource, *application.arguments]


def properties(conf: Mapping[str, str]) -> str:
    """The text of a file of properties, in Java's format.

    >>> properties({"spark.a": "x\\\\y", "spark.b": " c\\nd"})
    'spark.a=x\\\\\\\\y\\nspark.b=\\\\ c\\\\nd\\n'
    """
    lines = []
    for name in sorted(conf):
        value = conf[name].replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        value = "\\" + value if value.startswith(" ") else value
        lines.append("{}={}\n".format(re.sub(r"([:=\s\\])", r"\\\1", name), value))
    return "".join(lines)


def attachments(request: Request, folders: Folders) -> Dict[str, List[str]]:
    """The files and packages that go with the application, by option.

    Raises:
        Failure: A library is of R.
    """
    asked = _spark(request)
    found: Dict[str, List[str]] = {
        "jars": [local_path(each, folders) for each in asked.get("jars") or []],
        "py-files": [local_path(each, folders) for each in asked.get("py_files") or []],
        "files": [local_path(each, folders) for each in asked.get("files") or []],
        "packages": [],
        "exclude-packages": [],
        "repositories": [],
    }
    for library in request.libraries:
        if "jar" in library:
            found["jars"].append(local_path(library["jar"], folders))
        elif "egg" in library:
            found["py-files"].append(local_path(library["egg"], folders))
        elif "maven" in library:
            maven = library["maven"]
            found["packages"].append(maven["coordinates"])
            found["exclude-packages"] += maven.get("exclusions") or []
            found["repositories"] += [maven["repo"]] if maven.get("repo") else []
        elif "cran" in library:
            raise Failure(
                "user_code",
                "the library `{}` is of R, which runs only on Databricks".format(
                    library["cran"].get("package")
                ),
                hint="remove it, or run the step on a compute target with a workspace_url",
            )
    return found


def python_packages(request: Request) -> List[List[str]]:
    """The arguments of pip for each Python library."""
    found = []
    for library in request.libraries:
        if "pypi" in library:
            repo = library["pypi"].get("repo")
            found.append([library["pypi"]["package"], *(["--index-url", repo] if repo else [])])
        elif "whl" in library:
            found.append([library["whl"]])
    return found


def local_path(path: str, folders: Folders) -> str:
    """A path of a step on this machine: DBFS is a folder, relative is the source directory."""
    if path.startswith("dbfs:/"):
        return os.path.join(folders.dbfs, path[len("dbfs:/") :].lstrip("/"))
    if path.startswith("file:/"):
        return "/" + path[len("file:/") :].lstrip("/")
    if "://" in path or os.path.isabs(path):
        return path
    return os.path.join(folders.work, path)


def environment(
    request: Request,
    settings: Settings,
    spark_home: str,
    python: str,
    package_root: str,
    folders: Folders,
) -> Dict[str, str]:
    """The variables of spark-submit beside those of the worker."""
    paths = [folders.site, package_root, os.environ.get("PYTHONPATH", "")]
    return {
        **own_variables(request),
        "SPARK_HOME": spark_home,
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONUNBUFFERED": "1",
        # As spark-submit sets it: a text has the same hash in the program and in its tasks.
        "PYTHONHASHSEED": "0",
        # Log4j reads it; a Java option would be lost when a step sets its own.
        "LOG4J_CONFIGURATION_FILE": "file:" + folders.logging,
        "SPARK_LOCAL_DIRS": folders.local,
        **({"SPARK_LOCAL_IP": "127.0.0.1"} if settings.is_loopback else {}),
        "MPLBACKEND": os.environ.get("MPLBACKEND", "Agg"),
    }


def own_variables(request: Request) -> Dict[str, str]:
    """The variables that the step asks for, without those that exist on Databricks only.

    Programs name the interpreter of Databricks' own images, and the SDK does by default.
    """
    given = _texts(request.cluster.get("spark_env_variables"))
    return {name: value for name, value in given.items() if not value.startswith("/databricks/")}


LOGGING = """\
# Spark's own messages: warnings go to the step's log, everything to a file of the run.
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
rootLogger.appenderRef.console.filter.threshold.type = ThresholdFilter
rootLogger.appenderRef.console.filter.threshold.level = warn
rootLogger.appenderRef.file.ref = file
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.follow = true
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{yy/MM/dd HH:mm:ss}} %p %c{{1}}: %m%n%ex
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {file}
appender.file.filePattern = {file}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yy/MM/dd HH:mm:ss}} %p %c{{1}}: %m%n%ex
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 16MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
"""


def _spark(request: Request) -> Dict[str, Any]:
    return dict(request.task.get("spark") or {})


def _texts(values: Any) -> Dict[str, str]:
    return {str(name): str(value) for name, value in (values or {}).items()}
