"""Starts an R script: `python -m stepwell._rscript [options] -- script.R arguments...`.

Packages that are named and not installed are installed first, into the user's library, which all
steps share; then this process becomes `Rscript`. What fails here is named with what to do, and
the exit code is 2.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from typing import Dict, Sequence

CRAN = "https://cloud.r-project.org"
LIBRARY_VARIABLE = "R_LIBS_USER"


def main(words: Sequence[str]) -> int:
    """Install what is missing and become `Rscript`; returns only when that failed."""
    options = _parser().parse_args(words)
    rscript = shutil.which(options.rscript)
    if rscript is None:
        return _fail(
            f"there is no `{options.rscript}` on this machine",
            "install R, on Debian with `apt-get install r-base-core`, or set rscript_path of the "
            "environment's R section",
        )
    surroundings = dict(os.environ)
    wanted = _installations(options)
    if wanted:
        library = surroundings.setdefault(LIBRARY_VARIABLE, _library())
        os.makedirs(library, exist_ok=True)
        for package, installation in wanted.items():
            if not _is_installed(rscript, package, surroundings):
                print(f"Installing the R package {package} into {library}", flush=True)
                subprocess.run([rscript, "-e", installation], env=surroundings, check=False)
            if not _is_installed(rscript, package, surroundings):
                return _fail(
                    f"the R package `{package}` could not be installed",
                    "the lines above say why; where there is no network, install it into R's own "
                    "library and set user_managed of the R section",
                )
    sys.stdout.flush()
    os.execve(rscript, [rscript, *options.script], surroundings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stepwell._rscript", allow_abbrev=False)
    parser.add_argument("--rscript", default="Rscript")
    parser.add_argument("--repository", default=CRAN)
    for kind in ("cran", "github", "url", "bioconductor"):
        parser.add_argument("--" + kind, action="append", default=[])
    parser.add_argument("script", nargs="+")
    return parser


def _installations(options: argparse.Namespace) -> Dict[str, str]:
    """For each package, the R expression that installs it into the user's library."""
    library = f"lib=Sys.getenv({_text(LIBRARY_VARIABLE)})"
    repository = f"repos={_text(options.repository)}"
    made: Dict[str, str] = {}
    for each in options.cran:
        name, _, version = each.partition("=")
        made[name] = f"install.packages({_text(name)}, {library}, {repository})"
        if version:
            made[name] = (
                f"remotes::install_version({_text(name)}, {_text(version)}, {library}, "
                f"{repository})"
            )
    for each in options.github:
        made[each.split("@")[0].split("/")[-1]] = (
            f"remotes::install_github({_text(each)}, {library})"
        )
    for each in options.url:
        name = os.path.basename(each).split("_")[0]
        made[name] = f"install.packages({_text(each)}, {library}, repos=NULL)"
    for each in options.bioconductor:
        made[each] = f"BiocManager::install({_text(each)}, {library}, ask=FALSE)"
    return made


def _is_installed(rscript: str, package: str, surroundings: Dict[str, str]) -> bool:
    check = f"quit(status = if (requireNamespace({_text(package)}, quietly = TRUE)) 0 else 1)"
    done = subprocess.run(
        [rscript, "-e", check], env=surroundings, stderr=subprocess.DEVNULL, check=False
    )
    return done.returncode == 0


def _text(value: str) -> str:
    """A text as R writes one."""
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


def _library() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "stepwell", "R")


def _fail(sentence: str, hint: str) -> int:
    sys.stderr.write(f"error: {sentence}\nhint: {hint}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
