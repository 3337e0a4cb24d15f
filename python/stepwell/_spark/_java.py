"""Whether Spark can start: Java and pyspark, checked before anything runs."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from typing import Mapping, Optional, Tuple

from stepwell._worker import Failure

HOW = (
    "install it (Debian and Ubuntu: `apt-get install default-jre-headless`; "
    "macOS: `brew install openjdk@17`) or set JAVA_HOME to one"
)


def needed(pyspark: str) -> int:
    """The lowest major version of Java for a version of pyspark.

    Source: "Downloading" in Spark's documentation: 17 from Spark 4 on, 8 before.

    >>> needed("4.0.1"), needed("3.5.9")
    (17, 8)
    """
    return 17 if int(pyspark.split(".", 1)[0]) >= 4 else 8


def major(text: str) -> Optional[int]:
    """The major version that `java -version` prints.

    >>> major('openjdk version "17.0.15" 2025-04-15'), major('java version "1.8.0_392"')
    (17, 8)
    """
    found = re.search(r'version "(?:1\\.)?(\d+)', text.replace('"1.', '"'))
    return int(found.group(1)) if found else None


def find_spark() -> Tuple[str, str]:
    """The folder and the version of the pyspark of this environment.

    Raises:
        Failure: There is none.
    """
    found = importlib.util.find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        raise Failure(
            "environment",
            "the step's environment has no pyspark",
            hint="add `pyspark` to the pip packages of its environment",
        )
    from pyspark.version import __version__ as version

    return found.submodule_search_locations[0], str(version)


def program(environ: Mapping[str, str]) -> Optional[str]:
    """The Java program that Spark's scripts would start with these variables, if it is there."""
    home = environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java", path=_path(environ))
    return java if java and os.access(java, os.X_OK) else None


def release(java: str) -> str:
    """What a Java says of itself in the file beside it; empty if it has none."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(java)))
    try:
        with open(os.path.join(home, "release"), encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def released(java: str) -> Optional[int]:
    """The major version of a Java by that file, which takes no start of it."""
    found = re.search(r'^JAVA_VERSION="[^"\n]*"', release(java), re.MULTILINE)
    return major(found.group(0).replace("JAVA_VERSION=", "version ")) if found else None


def find_java(pyspark: str) -> str:
    """The Java program that Spark will start.

    Raises:
        Failure: There is none, or it is too old.
    """
    least = needed(pyspark)
    java = program(os.environ)
    if java is None:
        home = os.environ.get("JAVA_HOME")
        where = f"JAVA_HOME (`{home}`) has no bin/java" if home else "none is on the PATH"
        raise Failure("environment", f"Spark needs Java {least} or newer, and {where}", hint=HOW)
    version = released(java)
    if version is None:
        printed = subprocess.run(
            [java, "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ).stdout
        version = major(printed)
    if version is not None and version < least:
        raise Failure(
            "environment",
            f"pyspark {pyspark} needs Java {least} or newer, and `{java}` is Java {version}",
            hint=HOW,
        )
    return java


def _path(environ: Mapping[str, str]) -> str:
    return environ.get("PATH", os.defpath)
