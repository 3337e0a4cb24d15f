"""Which steps start warm, with what in their interpreters, and who decides it."""

from __future__ import annotations

import pytest

from .bodies import python, script
from .client import Client
from .project import ROOT, Project
from .test_warm import COLD, WARM, begin, load, one_at_a_time, warm
from .waiting import until


def test_a_target_may_switch_it_off_and_the_command_line_says_so(
    project: Project, client: Client
) -> None:
    load(project, client)
    project.stepwell("compute", "add", "one", "local", "--steps", "1", "--warm", "off")
    assert "warm starts off" in " ".join(project.stepwell("compute", "show", "one").split())
    step = begin(project, client, {"main.py": "pass\n"})
    assert step["start"] == "started cold: warm starts are off for its target"
    # A program that creates it as Azure ML's does not change what its owner has said.
    settings = {"vm_size": "STANDARD_D2"}
    body = {"kind": "AmlCompute", "concurrent_steps_max": 1, "settings": settings}
    client.call("PUT", "/computes/one", body)
    step = begin(project, client, {"main.py": "pass\n"})
    assert step["start"] == "started cold: warm starts are off for its target"
    project.stepwell("compute", "add", "one", "local", "--steps", "1", "--warm", "on")
    assert warm(project, client, {"main.py": "pass\n"})["start"] == WARM


def test_a_target_and_a_step_name_modules_that_are_loaded_ahead(
    project: Project, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    for name in ("own_first", "own_second"):
        (folder / f"{name}.py").write_text("")
    settings = {"warm_imports": ["own_first"]}
    client.call("PUT", "/computes/one", {"concurrent_steps_max": 1, "settings": settings})
    variables = {"PYTHONPATH": str(folder), "STEPWELL_WARM_IMPORTS": "own_second"}
    text = "import sys\nprint([name for name in sys.modules if name.startswith('own_')])\n"
    step = warm(project, client, {"main.py": text}, variables=variables)
    assert (step["start"], client.log(step["id"])) == (WARM, "['own_first', 'own_second']\n")


def test_what_a_script_has_imported_before_is_loaded_ahead(
    project: Project, client: Client
) -> None:
    """Its text names no package: a module of its own does, by a name that is made up."""
    one_at_a_time(client)
    helper = "import importlib\nyaml = importlib.import_module('ya' + 'ml')\n"
    text = (
        "import sys\nahead = 'yaml' in sys.modules\nimport helper\n"
        "print(ahead, helper.yaml.safe_load('a: 1'))\n"
    )
    files = {"main.py": text, "helper.py": helper}
    cold = begin(project, client, files, variables=COLD)
    assert client.log(cold["id"]) == "False {'a': 1}\n"
    logs = until(
        lambda: client.log(warm(project, client, files)["id"]),
        lambda log: log.startswith("True"),
        "it is loaded ahead",
    )
    assert logs == "True {'a': 1}\n"
    left = [path.name for path in project.folder.glob(".stepwell/runs/*/imported")]
    assert not left


def test_a_script_run_starts_warm_as_a_step_does(project: Project, client: Client) -> None:
    load(project, client)
    snapshot = project.snapshot({"main.py": "print('from a notebook')\n"})

    def start() -> str:
        run = client.submit(script(python("main", "main.py", snapshot, target="one")))["id"]
        client.wait(run)
        assert client.log(run) == "from a notebook\n"
        return str(client.get(f"/runs/{run}/why")["steps"][0]["start"])

    until(start, lambda found: found == WARM, "it starts warm")


ENDS = """
    import os, sys
    def hook(event, given, write=os.write):
        if event.startswith('cpython.'):
            write(1, event.encode())
    sys.addaudithook(hook)
    {}
    print('done')
"""


def test_an_end_that_nobody_would_notice_is_quick_and_any_other_is_pythons(
    project: Project, client: Client
) -> None:
    """What Python raises as its last audit events shows whether it has freed everything."""
    load(project, client)
    for more, frees in (("pass", False), ("kept = open('/etc/hostname')", True)):
        step = warm(project, client, {"main.py": ENDS.format(more)})
        assert step["start"] == WARM
        log = client.log(step["id"])
        assert log.startswith("done\n") and ("PyInterpreterState_Clear" in log) is frees, log


MADE_UP = """
import importlib, os, sys
print("stepwell.errors" in sys.modules)
if os.path.exists(os.environ["SIGN"]):
    importlib.import_module("stepwell." + "errors")
"""


def test_what_a_script_has_imported_outlives_the_server_and_its_supervisors(
    project: Project, client: Client
) -> None:
    """It is seen once, as its text does not show it, and is loaded ahead after a restart."""
    sign = project.folder / "sign"
    variables = {"SIGN": str(sign), "PYTHONPATH": str(ROOT / "python")}
    one_at_a_time(client)
    sign.touch()
    begin(project, client, {"main.py": MADE_UP}, variables=variables)
    remembered = until(
        lambda: list((project.data / "imports").glob("*.json")), lambda found: found, "it is kept"
    )
    assert any('"stepwell.errors"' in path.read_text() for path in remembered)
    sign.unlink()
    project.stepwell("stop")
    until(project.processes, lambda left: not left, "its supervisors are gone")
    step = warm(project, client, {"main.py": MADE_UP}, variables=variables)
    assert (step["start"], client.log(step["id"])) == (WARM, "True\n")
    for path in remembered:  # what is damaged is learned anew
        path.write_bytes(path.read_bytes()[:20])
    project.stepwell("stop")
    until(project.processes, lambda left: not left, "its supervisors are gone")
    step = warm(project, client, {"main.py": MADE_UP}, variables=variables)
    assert (step["start"], client.log(step["id"])) == (WARM, "False\n")


def test_the_start_of_a_step_is_compiled_once_where_python_keeps_nothing_compiled(
    project: Project, client: Client
) -> None:
    """Images of containers set that variable; the script's own modules are left as it says."""
    one_at_a_time(client)
    text = "import os, sys, own\nprint(sys.dont_write_bytecode, os.path.exists('__pycache__'))\n"
    files = {"main.py": text, "own.py": ""}
    variables = {"PYTHONDONTWRITEBYTECODE": "1"}
    start = project.data / "sdk" / "start"
    cold = begin(project, client, files, variables={**variables, **COLD})
    assert client.log(cold["id"]) == "True False\n"
    (compiled,) = (start / "__pycache__").iterdir()
    before = compiled.stat()
    for more in (COLD, {}):
        step = warm(project, client, files, variables={**variables, **more})
        assert client.log(step["id"]) == "True False\n"
    (compiled,) = (start / "__pycache__").iterdir()
    assert (compiled.stat().st_ino, compiled.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )
    project.stepwell("stop")
    (start / "sitecustomize.py").write_text("raise SystemExit(3)\n")
    step = begin(project, client, files, variables={**variables, **COLD})
    assert client.log(step["id"]) == "True False\n", "what is not as it should be is written anew"
    (compiled,) = (start / "__pycache__").iterdir()
    assert (
        compiled.stat().st_ino != before.st_ino or compiled.stat().st_mtime_ns != before.st_mtime_ns
    )
