"""A step that starts in a loaded interpreter is what it is when it starts by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from .bodies import pipeline, python
from .client import Client, Json
from .processes import Process
from .project import Project
from .waiting import until
from .warm_scripts import SCRIPTS

COLD = {"STEPWELL_WARM": "off"}
WARM = "started warm"
# What another step may find instead of an interpreter, for a moment.
NOT_YET = ("no interpreter was loaded for it", "its interpreter was still loading")


def one_at_a_time(client: Client) -> None:
    client.call("PUT", "/computes/one", {"concurrent_steps_max": 1})


def begin(project: Project, client: Client, files: dict[str, str], **more: Any) -> Json:
    """A step of a script of its own that has come to its end; `start` is how it started."""
    snapshot = project.snapshot({name: textwrap.dedent(text) for name, text in files.items()})
    (step,) = steps_of(client, [python("step", next(iter(files)), snapshot, target="one", **more)])
    return step


def steps_of(client: Client, steps: list[Json]) -> list[Json]:
    """The steps of a pipeline when it is over."""
    run = client.submit(pipeline(*steps, continue_on_step_failure=True))["id"]
    client.wait(run, 60)
    starts = [each["start"] for each in client.get(f"/runs/{run}/why")["steps"]]
    return [dict(step, start=start) for step, start in zip(client.steps(run), starts)]


def load(project: Project, client: Client, **more: Any) -> None:
    """Runs steps until one of them has started warm."""
    one_at_a_time(client)
    snapshot = project.snapshot({"main.py": "pass\n"})
    step = python("load", "main.py", snapshot, target="one", **more)
    start = lambda: steps_of(client, [step] * 3)[-1]["start"]  # noqa: E731
    until(start, lambda start: start == WARM, "warm", 60)


def seen(client: Client, step: Json) -> Json:
    """What a step shows to its user, without what is another for each step."""
    log = client.log(step["id"]).replace(step["id"], "RUN")
    usage, error = step["usage"], step["error"]
    failure = error and {**error, "detail": error["detail"].replace(step["id"], "RUN")}
    log, failure_text = (re.sub(r"0x[0-9a-f]+", "0x", text) for text in (log, str(failure)))
    series = client.get(f"/runs/{step['id']}/metrics")["series"]
    values = [(each["name"], [it["value"] for it in each["points"]]) for each in series]
    files = [name for name in client.files(step["id"]) if not name.endswith("std_log.txt")]
    status = (step["status"], usage["exit_code"], usage["signal"])
    return {"log": log, "error": failure_text, "status": status, "metrics": values, "files": files}


def test_scripts_are_the_same_however_they_start(project: Project, client: Client) -> None:
    load(project, client)
    files = {f"run_{name}.py": textwrap.dedent(text) for name, text in SCRIPTS.items()}
    snapshot = project.snapshot(files)

    def step(name: str, **more: Any) -> Json:
        return python(name, f"run_{name}.py", snapshot, target="one", **more)

    cold = steps_of(client, [step(name, variables=COLD) for name in SCRIPTS])
    assert {each["start"] for each in cold} == {"started cold: `STEPWELL_WARM` is off"}
    left, cold_seen, warm_seen = dict(zip(SCRIPTS, cold)), {}, {}
    for _ in range(8):
        again = steps_of(client, [step(name) for name in left])
        for name, warm in zip(list(left), again):
            if warm["start"] == WARM:
                cold_seen[name], warm_seen[name] = seen(client, left.pop(name)), seen(client, warm)
            else:
                assert warm["start"].endswith(NOT_YET), (name, warm["start"])
    assert not left, "these never started warm"
    assert warm_seen == cold_seen


TWICE = """
    import os, random, sys, tempfile, uuid
    print(random.random(), uuid.uuid4(), uuid.uuid1(), os.path.basename(tempfile.mkdtemp()))
    print(hash('text'), sys.flags.hash_randomization)
"""


def test_two_forks_share_no_chance_but_the_seed_that_the_user_gives(
    project: Project, client: Client
) -> None:
    load(project, client)
    files = {"main.py": TWICE}
    first, second = (warm(project, client, files) for _ in range(2))
    words = [client.log(step["id"]).splitlines()[0].split() for step in (first, second)]
    assert all(one != other for one, other in zip(*words)), words
    seeded = {"PYTHONHASHSEED": "3"}
    load(project, client, variables=seeded)
    step = warm(project, client, files, variables=seeded)
    cold = begin(project, client, files, variables={**seeded, **COLD})
    hashes = [client.log(each["id"]).splitlines()[1] for each in (step, cold)]
    assert hashes[0] == hashes[1]


def test_what_cannot_be_equal_starts_cold_and_says_why(project: Project, client: Client) -> None:
    load(project, client)
    hidden = {"main.py": "import random\nprint(random.mine)\n", "random.py": "mine = 'own'\n"}
    text = "import logging\nprint(logging.mine)\n"
    package = {"main.py": text, "logging/__init__.py": "mine = 'own'\n"}
    folder = {"main.py": "import json\nprint(json.dumps('own'))\n", "json/data.txt": ""}
    for files, reason in (
        (hidden, "`random.py` beside the script hides a loaded module"),
        (package, "`logging` beside the script hides a loaded module"),
        (folder, None),
    ):
        step = warm(project, client, files)
        assert step["start"] == (f"started cold: {reason}" if reason else WARM)
        assert "own" in client.log(step["id"])
    for variables, reason in (
        ({"PYTHONPATH": "here"}, "`PYTHONPATH` has a folder that depends on the working directory"),
        ({"PYTHONVERBOSE": "1"}, "`PYTHONVERBOSE` acts on the start of Python"),
    ):
        step = begin(project, client, {"main.py": "pass\n"}, variables=variables)
        assert step["start"] == f"started cold: {reason}"
    shown = project.stepwell("why", "last")
    assert "started cold: `PYTHONVERBOSE` acts on the start of Python" in shown


def test_variables_that_an_interpreter_was_loaded_with_are_those_of_its_steps(
    project: Project, client: Client
) -> None:
    """What `.pth` files and both customizations see of the variables is what they see when cold."""
    python_ = project.folder / "env" / "bin" / "python"
    line = [sys.executable, "-m", "venv", "--without-pip", str(project.folder / "env")]
    subprocess.run(line, check=True)
    (packages,) = (project.folder / "env" / "lib").glob("python*/site-packages")
    saw = "import os, sys; sys.{0} = (os.environ.get('WHERE'), 'AZUREML_RUN_ID' in os.environ)"
    (packages / "own.pth").write_text(saw.format("by_pth") + "\n")
    for name in ("sitecustomize", "usercustomize"):
        (packages / f"{name}.py").write_text(saw.format("by_" + name) + "\n")
    text = "import sys\nprint(sys.by_pth[0], sys.by_sitecustomize)\n"
    environment = {"kind": "interpreter", "python": str(python_)}
    for where in ("north", "south"):
        variables = {"WHERE": where}
        load(project, client, variables=variables, environment=environment)
        step = warm(
            project, client, {"main.py": text}, variables=variables, environment=environment
        )
        assert client.log(step["id"]) == f"{where} ('{where}', True)\n"
    (packages / "own.pth").write_text(saw.format("by_pth") + "; sys.by_pth = ['changed']\n")
    text = "import sys\nprint(sys.by_pth)\n"
    step = begin(project, client, {"main.py": text}, variables=variables, environment=environment)
    assert client.log(step["id"]) == "['changed']\n"
    assert "own.pth` has changed since it was loaded" in step["start"]


def test_every_python_starts_warm_or_says_why_not(project: Project, client: Client) -> None:
    one_at_a_time(client)
    text = "import os, sys\nprint(sys.argv, os.path.relpath(__file__), sys.path[0] == os.getcwd())"
    pythons = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))
    for python_ in [Path(sys.executable), *pythons]:
        environment = {"kind": "interpreter", "python": str(python_)}
        more = {"environment": environment, "variables": {"PYTHONPATH": ""}}
        old = python_.parts[-3].startswith(("3.5", "3.6"))
        wanted = "started cold: Python before 3.7 cannot be loaded ahead" if old else WARM
        snapshot = project.snapshot({"main.py": text})
        step = python("main", "main.py", snapshot, target="one", **more)
        (*_, last) = until(
            lambda: steps_of(client, [step] * 3),  # noqa: B023
            lambda steps: steps[-1]["start"] == wanted,  # noqa: B023
            f"{python_} has started as it can",
        )
        assert client.log(last["id"]) == "['main.py'] main.py True\n"


HEAVY = """
    import numpy as np, pandas as pd, scipy.linalg
    import joblib, threadpoolctl, cloudpickle, requests, urllib3, yaml
    import dateutil.parser, networkx, jinja2
    import pyarrow, pyarrow.parquet
    import matplotlib
    from matplotlib import pyplot
    from PIL import Image
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    import os, sys, warnings

    print(np.random.rand())
    frame = pd.DataFrame({"a": range(400), "b": np.arange(400) % 7})
    print(frame.groupby("b").a.mean().tolist(), frame.describe().to_string())
    table = pyarrow.Table.from_pandas(frame)
    pyarrow.parquet.write_table(table, "t.parquet")
    print(pd.read_parquet("t.parquet").equals(frame))
    print(pyarrow.cpu_count(), pyarrow.io_thread_count())
    x = np.random.RandomState(0).rand(400, 40)
    print(np.round(scipy.linalg.svdvals(x @ x.T)[:3], 6))
    pools = threadpoolctl.threadpool_info()
    print(sorted((each["user_api"], each["num_threads"]) for each in pools))
    y = x[:, 0] > 0.5
    forest = RandomForestClassifier(10, random_state=0, n_jobs=2).fit(x, y)
    print(forest.score(x, y), LogisticRegression().fit(x, y).coef_.round(4).tolist()[0][:3])
    print(joblib.Parallel(2)(joblib.delayed(abs)(-each) for each in range(3)))
    pyplot.plot([1, 2]); pyplot.savefig("p.png")
    print(matplotlib.get_backend(), Image.open("p.png").size, yaml.safe_load("a: 1"))
    print(cloudpickle.loads(cloudpickle.dumps(lambda: 5))(), networkx.path_graph(3).size())
    print(jinja2.Template("{{ a }}").render(a=1), dateutil.parser.parse("2020-01-02"))
    print(sorted(each[0] for each in warnings.filters), np.geterr())
    print(requests.__name__, urllib3.__name__)
    print(os.environ.get("OMP_NUM_THREADS"), os.getcwd() == sys.path[0])
"""


def test_packages_that_are_loaded_ahead_work_as_they_do_cold(
    project: Project, client: Client
) -> None:
    one_at_a_time(client)
    variables = {"OMP_NUM_THREADS": "1"}
    files = {"main.py": HEAVY}
    cold = begin(project, client, files, variables={**variables, **COLD})
    first, second = (warm(project, client, files, variables=variables) for _ in range(2))
    assert (first["start"], first["status"]) == (WARM, "Completed"), client.log(first["id"])
    loaded = [maps for pid in zygotes(project) if (maps := text_of(pid, "maps"))]
    for package in ("numpy", "pandas", "sklearn", "pyarrow", "matplotlib", "scipy", "PIL"):
        assert any(f"/{package}/" in maps for maps in loaded), package
    logs = [client.log(each["id"]).split("\n", 1) for each in (cold, first, second)]
    assert len({chance for chance, _ in logs}) == 3, "each has random numbers of its own"
    assert logs[0][1] == logs[1][1] == logs[2][1]


NOISY = {
    "threads": "import _thread, time\n_thread.start_new_thread(time.sleep, (1,))\n",
    "opens": "kept = open('/etc/hostname')\n",
    "prints": "print('imported')\n",
    "warns": "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n",
    "fails": "1 / 0\n",
}


@pytest.mark.parametrize("name", list(NOISY))
def test_a_module_that_forbids_a_fork_is_not_loaded_ahead(
    project: Project, client: Client, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    (folder / f"own_{name}.py").write_text(NOISY[name])
    variables = {"PYTHONPATH": str(folder), "STEPWELL_WARM_IMPORTS": f"own_{name}"}
    one_at_a_time(client)
    text = {"main.py": f"import own_{name}\nprint('after')\n"}
    reason = {
        "threads": "a loaded module has started threads",
        "opens": "a loaded module keeps `/etc/hostname` open",
        "fails": f"`import own_{name}` fails: ZeroDivisionError('division by zero')",
    }.get(name, f"`import own_{name}` prints something")
    step = warm(project, client, text, variables=variables)
    assert step["start"].startswith(f"started cold: {reason}"), step["start"]
    cold = begin(project, client, text, variables={**variables, **COLD})
    assert seen(client, step) == seen(client, cold)


def test_settings_of_the_working_directory_are_read(project: Project, client: Client) -> None:
    load(project, client)
    text = "import matplotlib\nprint(matplotlib.rcParams['lines.linewidth'])\n"
    files = {"main.py": text, "matplotlibrc": "lines.linewidth: 7.5\n"}
    step = warm(project, client, files)
    assert (step["start"], client.log(step["id"])) == (WARM, "7.5\n")


def warm(project: Project, client: Client, files: dict[str, str], **more: Any) -> Json:
    """A step that has started warm and is over."""
    return until(
        lambda: begin(project, client, files, **more),
        lambda step: not step["start"].endswith(NOT_YET),
        "it has an interpreter",
        90,
    )


def loaded(project: Project) -> list[Process]:
    """The interpreters that are loaded for the steps of a folder, and their forks."""
    return [each for each in project.processes() if each.is_loaded]


def zygotes(project: Project) -> list[int]:
    """Their numbers. One may be gone soon: a fork ends as soon as it has been tried out."""
    return [each.pid for each in loaded(project)]


def text_of(pid: int, name: str) -> str:
    """What the kernel shows of a process; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""


def test_no_loaded_interpreter_holds_the_token_of_a_step(project: Project, client: Client) -> None:
    load(project, client)
    text = "import os\nprint(os.environ['AZUREML_RUN_TOKEN'])\n"
    token = client.log(warm(project, client, {"main.py": text})["id"]).strip().encode()
    assert len(token) > 20
    found = [kept for pid in zygotes(project) if (kept := memory(pid))]
    assert found
    assert not [len(kept) for kept in found if token in kept]

    def counted() -> tuple[str, str]:
        shown, _ = project.start("doctor").communicate(timeout=60)
        return f"in hand: {len(zygotes(project))} processes, ", shown

    until(counted, lambda both: both[0] in both[1], "`doctor` counts them")


def memory(pid: int) -> bytes:
    """All that a process can write to; nothing of one that is gone."""
    text = []
    maps = text_of(pid, "maps").splitlines()
    try:
        with open(f"/proc/{pid}/mem", "rb") as file:
            for place, rights, *_ in map(str.split, maps):
                if rights.startswith("rw"):
                    begin_, end = (int(each, 16) for each in place.split("-"))
                    file.seek(begin_)
                    text.append(file.read(end - begin_))
    except OSError:
        if Path(f"/proc/{pid}").exists():
            raise
        return b""
    return b"".join(text)


HELD = """
    import os, subprocess, sys, time
    os.fork() or time.sleep(1000)
    subprocess.Popen(['sleep', '1000'], start_new_session=True)
    subprocess.Popen(['env', '-i', 'sleep', '1000'])
    print('up', flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    print('done')
"""


def held(project: Project, client: Client, gate: Path, **more: Any) -> str:
    """The run of a step that has started warm, has children, and waits for the gate."""
    snapshot = project.snapshot({"main.py": textwrap.dedent(HELD)})
    arguments = [{"literal": str(gate)}]
    step = python("held", "main.py", snapshot, *arguments, target="one", **more)
    for _ in range(5):
        # A supervisor whose step was cancelled leaves, and takes its interpreters with it.
        load(project, client)
        run = client.submit(pipeline(step))["id"]
        (row,) = until(lambda: client.steps(run), lambda rows: rows, "it has a step")  # noqa: B023
        until(lambda: client.log(row["id"]), lambda log: "up" in log, "it is up")  # noqa: B023
        steps = [each for each in project.attempt(row["id"]) if each.is_step]
        (main,) = [each.pid for each in steps if each.name != "sleep"]
        if os.getsid(main) == main:  # as only a warm one is
            return str(row["id"])
        client.call("POST", f"/runs/{run}/cancel")
        client.wait(run)
    raise AssertionError("it never started warm")


@pytest.fixture
def gate(project: Project) -> Path:
    """The file that a held step waits for."""
    return project.folder / "gate"


def test_a_warm_step_outlives_its_interpreter_and_its_server(
    project: Project, client: Client, gate: Path
) -> None:
    run = held(project, client, gate)
    assert any([each.kill() for each in loaded(project)])
    project.kill_server()
    assert len(project.attempt(run)) >= 3
    gate.touch()
    assert client.wait(run)["status"] == "Completed"
    assert client.log(run) == "up\ndone\n"
    assert not project.attempt(run)
    load(project, client)


def test_a_warm_step_dies_with_its_supervisor_and_leaves_nothing(
    project: Project, client: Client, gate: Path
) -> None:
    run = held(project, client, gate)
    loaded = zygotes(project)
    assert project.supervisor(run).kill()
    step = client.wait(run)
    assert (step["status"], step["error"]["kind"]) == ("Failed", "lost")
    until(lambda: project.attempt(run), lambda left: not left, "nothing of it is left")
    until(lambda: set(zygotes(project)) >= set(loaded), lambda all_: not all_, "its zygote is gone")


@pytest.mark.parametrize("ends", ["timeout", "cancel", "exit"])
def test_all_processes_of_a_warm_step_end_with_it(
    project: Project, client: Client, gate: Path, ends: str
) -> None:
    more = {"timeout_seconds": 2} if ends == "timeout" else {}
    run = held(project, client, gate, **more)
    if ends == "cancel":
        client.call("POST", f"/runs/{run}/cancel")
    elif ends == "exit":
        gate.touch()
    status = {"timeout": "Failed", "cancel": "Canceled", "exit": "Completed"}[ends]
    assert client.wait(run)["status"] == status
    assert not project.attempt(run)
    assert client.get(f"/runs/{run}/why")["steps"][0]["start"] == WARM
    load(project, client)


def test_memory_and_time_are_those_of_the_fork(project: Project, client: Client) -> None:
    load(project, client)
    hungry = "print(len(bytearray(200_000_000).hex()[:10]))\n"
    first = warm(project, client, {"main.py": hungry})["usage"]
    second = warm(project, client, {"main.py": "pass\n"})["usage"]
    cold = begin(project, client, {"main.py": "pass\n"}, variables=COLD)["usage"]
    assert first["peak_memory_bytes"] > 200_000_000
    assert second["peak_memory_bytes"] < 40_000_000
    assert second["cpu_seconds"] <= cold["cpu_seconds"] + 0.05
