//! Environments built by the real uv, from wheels made here: no package index is asked.
//!
//! Only uv itself comes from outside, once, when it is not on the PATH.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_compute::{Environments, Prepared};
use stepwell_model::{EnvironmentSpec, Failure, FailureKind, PythonSpec};

/// The interpreter that the tests build from.
static PYTHON: LazyLock<String> =
    LazyLock::new(
        || run(Command::new("python3").args(["-c", "import sys; print(sys.executable)"])),
    );

/// The uv program, installed into a folder of the build when the machine has none.
static UV: LazyLock<Utf8PathBuf> = LazyLock::new(|| {
    if Command::new("uv").arg("--version").output().is_ok() {
        return run(Command::new("sh").args(["-c", "command -v uv"])).into();
    }
    let home = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("uv");
    if !home.join("bin/uv").exists() {
        run(Command::new(&*PYTHON).args(["-m", "venv", home.as_str()]));
        run(Command::new(home.join("bin/python")).args(["-m", "pip", "install", "--quiet", "uv"]));
    }
    home.join("bin/uv")
});

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .trim()
        .to_owned()
}

/// A data folder, a folder of wheels, and a uv that notes how it is called.
struct Room {
    folder: camino_tempfile::Utf8TempDir,
}

impl Room {
    fn new() -> Self {
        let folder = camino_tempfile::tempdir().expect("a temporary folder");
        let room = Self { folder };
        std::fs::create_dir(room.path("wheels")).expect("a new folder");
        room.publish("1.0");
        room.script("uv", "");
        room
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        let folder = self.folder.path();
        folder.join(name)
    }

    /// A program that does `first`, then is uv.
    fn script(&self, name: &str, first: &str) -> Utf8PathBuf {
        let path = self.path(name);
        let calls = self.path("calls");
        let text = format!(
            "#!/bin/sh\necho \"$1 $2\" >> {calls}\n{first}\nexec {} \"$@\"\n",
            *UV
        );
        std::fs::write(&path, text).expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        path
    }

    /// How often uv was called with these words first.
    fn calls(&self, words: &str) -> usize {
        let calls = std::fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.starts_with(words)).count()
    }

    /// Makes a wheel of the package `tiny`.
    fn publish(&self, version: &str) {
        self.publish_package("tiny", version, "");
    }

    /// Makes a wheel of a package that asks for another, if it does.
    fn publish_package(&self, name: &str, version: &str, asks_for: &str) {
        self.publish_for("py3", name, version, asks_for);
    }

    /// Makes a wheel for one kind of Python.
    fn publish_for(&self, tag: &str, name: &str, version: &str, asks_for: &str) {
        let make = "
import sys, zipfile
folder, tag, package, version, asks_for = sys.argv[1:]
info = f'{package}-{version}.dist-info/'
asks = f'Requires-Dist: {asks_for}\\n' if asks_for else ''
files = {
    f'{package}.py': f'version = {version!r}\\n',
    info + 'METADATA': f'Metadata-Version: 2.1\\nName: {package}\\nVersion: {version}\\n{asks}',
    info + 'WHEEL': 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',
}
record = ''.join(f'{name},,\\n' for name in [*files, info + 'RECORD'])
with zipfile.ZipFile(f'{folder}/{package}-{version}-{tag}-none-any.whl', 'w') as wheel:
    for name, text in {**files, info + 'RECORD': record}.items():
        wheel.writestr(name, text)
";
        let wheels = self.path("wheels");
        let arguments = ["-c", make, wheels.as_str(), tag, name, version, asks_for];
        run(Command::new(&*PYTHON).args(arguments));
    }

    fn environments(&self, uv: &str) -> Environments {
        Environments::new(self.path("envs"), Some(self.path(uv)))
    }

    fn spec(&self, requirements: &[&str]) -> EnvironmentSpec {
        EnvironmentSpec::Python(PythonSpec {
            name: "train".to_owned(),
            base_python: PYTHON.clone(),
            pip: requirements.iter().map(|&line| line.to_owned()).collect(),
            pip_options: vec![
                "--no-index".to_owned(),
                format!("--find-links file://{}", self.path("wheels")),
            ],
            ..PythonSpec::default()
        })
    }
}

fn version_of_tiny(prepared: &Prepared) -> String {
    run(Command::new(&prepared.python).args(["-c", "import tiny; print(tiny.version)"]))
}

fn log_of(failure: &Failure) -> String {
    let path = failure.hint.split('`').rfind(|part| part.ends_with(".log"));
    std::fs::read_to_string(path.expect("the hint names the log")).expect("the log is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_built_once_however_many_ask_in_two_servers() {
    let room = Room::new();
    let servers = [
        Arc::new(room.environments("uv")),
        Arc::new(room.environments("uv")),
    ];
    let spec = room.spec(&["tiny"]);
    let asking: Vec<_> = (0..8)
        .map(|task| {
            let (server, spec) = (Arc::clone(&servers[task % 2]), spec.clone());
            tokio::spawn(async move { server.prepare(&spec).await })
        })
        .collect();
    let mut prepared = Vec::new();
    for task in asking {
        prepared.push(task.await.expect("no panic").expect("it can be built"));
    }
    assert_eq!(version_of_tiny(&prepared[0]), "1.0");
    assert!(prepared.iter().all(|other| other == &prepared[0]));
    assert_eq!(
        (
            room.calls("venv"),
            room.calls("pip sync"),
            room.calls("pip compile")
        ),
        (1, 1, 1)
    );
    let again = room.environments("no-uv-is-needed").prepare(&spec).await;
    assert_eq!(again.as_ref(), Ok(&prepared[0]));
}

#[tokio::test]
async fn requests_that_resolve_to_the_same_share_an_environment() {
    let room = Room::new();
    let environments = room.environments("uv");
    let any = environments
        .prepare(&room.spec(&["tiny"]))
        .await
        .expect("it can be built");
    let pinned = environments
        .prepare(&room.spec(&["tiny==1.0"]))
        .await
        .expect("it is there");
    assert_eq!(any, pinned);
    // What states a version is also asked whether it has wheels.
    assert_eq!((room.calls("pip compile"), room.calls("venv")), (3, 1));
}

#[tokio::test]
async fn a_request_is_resolved_once_until_the_folder_of_wheels_that_it_names_changes() {
    let room = Room::new();
    let spec = room.spec(&["tiny"]);
    let first = room
        .environments("uv")
        .prepare(&spec)
        .await
        .expect("it can be built");
    std::fs::remove_dir_all(
        first
            .bin
            .as_ref()
            .and_then(|bin| bin.parent())
            .expect("its folder"),
    )
    .expect("it can be removed");
    let second = room
        .environments("uv")
        .prepare(&spec)
        .await
        .expect("it can be built");
    assert_eq!(second, first);
    assert_eq!(version_of_tiny(&second), "1.0");
    assert_eq!((room.calls("pip compile"), room.calls("pip sync")), (1, 2));
    room.publish("2.0");
    let newer = room.environments("uv").prepare(&spec).await;
    assert_eq!(version_of_tiny(&newer.expect("it can be built")), "2.0");
}

#[tokio::test]
async fn what_other_packages_ask_for_of_the_original_is_left_out_and_what_that_asks_for_stays() {
    let room = Room::new();
    room.publish_package("library", "1.0", "azureml-core");
    room.publish_package("azureml_core", "1.61", "tiny");
    let prepared = room
        .environments("uv")
        .prepare(&room.spec(&["library"]))
        .await
        .expect("it can be built");
    assert_eq!(version_of_tiny(&prepared), "1.0");
    let names = "import importlib.util; import library; \
                 print(importlib.util.find_spec('azureml_core'))";
    let found = run(Command::new(&prepared.python).args(["-c", names]));
    assert_eq!(found, "None");
}

#[tokio::test]
async fn a_failed_build_says_so_in_the_resolvers_words() {
    let room = Room::new();
    let environments = room.environments("uv");
    let spec = room.spec(&["tiny", "no-such-thing==1.2"]);
    let failure = environments
        .prepare(&spec)
        .await
        .expect_err("there is no such thing");
    assert_eq!(failure.kind, FailureKind::Environment);
    assert_eq!(failure.summary, "environment `train` could not be built");
    assert!(
        failure.detail.contains("no-such-thing"),
        "{}",
        failure.detail
    );
    assert!(
        failure.detail.contains("unsatisfiable"),
        "{}",
        failure.detail
    );
    assert!(log_of(&failure).contains(&failure.detail));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_build_cut_short_has_left_is_removed_and_built_anew() {
    let room = Room::new();
    let fifo = room.path("reached");
    run(Command::new("mkfifo").arg(&fifo));
    let stuck = format!("[ \"$2\" = sync ] && {{ echo here > {fifo}; exec sleep 600; }}");
    room.script("stuck-uv", &stuck);
    let spec = room.spec(&["tiny"]);
    let environments = room.environments("stuck-uv");
    tokio::select! {
        outcome = environments.prepare(&spec) => panic!("uv is stuck, but: {outcome:?}"),
        reached = tokio::fs::read_to_string(&fifo) => { reached.expect("uv installs now"); }
    }
    let prepared = room
        .environments("uv")
        .prepare(&spec)
        .await
        .expect("it can be built");
    assert_eq!(version_of_tiny(&prepared), "1.0");
    assert_eq!(room.calls("venv"), 2);
}

#[tokio::test]
async fn a_python_that_is_not_to_be_had_is_replaced_unless_that_is_switched_off() {
    let room = Room::new();
    let spec = EnvironmentSpec::Python(PythonSpec {
        name: "old".to_owned(),
        python_version: Some("3.99".to_owned()),
        base_python: PYTHON.clone(),
        ..PythonSpec::default()
    });
    let strict = room.environments("uv").with_python_fallback(false);
    let failure = strict.prepare(&spec).await.expect_err("nobody has it");
    assert!(
        failure.detail.starts_with("python 3.99 is asked for"),
        "{}",
        failure.detail
    );
    let version =
        run(Command::new(&*PYTHON)
            .args(["-c", "import platform; print(platform.python_version())"]));
    assert!(failure.hint.contains(&version), "{}", failure.hint);
    let lenient = room.environments("uv").with_python_fallback(true);
    let prepared = lenient
        .prepare(&spec)
        .await
        .expect("an empty environment can be built");
    let packages = "import importlib.metadata as m; print([d.name for d in m.distributions()])";
    assert_eq!(
        run(Command::new(&prepared.python).args(["-I", "-c", packages])),
        "[]"
    );
    let notice = prepared.notice.expect("it is said");
    assert!(notice.starts_with("Python 3.99 is asked for"), "{notice}");
    let again = room.environments("uv").with_python_fallback(true);
    let again = again.prepare(&spec).await.expect("it is there");
    assert_eq!(again.notice, Some(notice));
}

/// The series of the interpreters that uv may build from, older than the one of the tests.
fn older_pythons() -> Vec<String> {
    let versions = "
import glob, os, re, subprocess, sys
root = os.environ.get('PYENV_ROOT') or os.path.expanduser('~/.pyenv')
listed = subprocess.run([sys.argv[1], 'python', 'list', '--only-installed'], capture_output=True, text=True).stdout
names = [os.path.basename(path) for path in glob.glob(root + '/versions/3.*')] + re.findall(r'cpython-(\\S+?)-', listed)
minors = {int(name.split('.')[1]) for name in names if re.fullmatch(r'3\\.[0-9]+\\.[0-9]+', name)}
print(*sorted(minor for minor in minors if 6 <= minor < sys.version_info.minor))
";
    let minors = run(Command::new(&*PYTHON).args(["-c", versions, UV.as_str()]));
    minors.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_python_that_nobody_named_gives_way_to_an_older_one_that_has_wheels_of_what_is_pinned() {
    let room = Room::new();
    room.script(
        "uv",
        "[ \"$1 $2\" = 'python install' ] && { echo 'error: no network' >&2; exit 2; }",
    );
    let older = older_pythons();
    for minor in &older {
        room.publish_for(&format!("cp3{minor}"), "aged", "1.0", "");
    }
    let prepared = room
        .environments("uv")
        .prepare(&room.spec(&["aged==1.0", "tiny"]))
        .await;
    let Some(newest) = older.last() else {
        let failure = prepared.expect_err("no Python has it");
        assert!(failure.detail.contains("aged"), "{}", failure.detail);
        return;
    };
    let prepared = prepared.expect("an older Python has it");
    let asks = "import sys, aged, tiny; print(sys.version_info.minor)";
    let minor = run(Command::new(&prepared.python).args(["-c", asks]));
    assert_eq!(minor, *newest);
    let notice = prepared.notice.expect("it is said");
    assert!(notice.contains("no wheels of `aged==1.0`"), "{notice}");
    // One whose pins have wheels stays, and nothing is said.
    let stays = room
        .environments("uv")
        .prepare(&room.spec(&["tiny==1.0"]))
        .await;
    let stays = stays.expect("it can be built");
    assert_eq!(stays.notice, None);
}

/// A project whose package tells which setuptools built it.
fn project(room: &Room, name: &str, requires: &str) -> String {
    let backend = "
import setuptools, zipfile
def build_wheel(folder, settings=None, metadata=None):
    info = 'NAME-1.0.dist-info/'
    files = {
        'NAME.py': f'version = {setuptools.version!r}\\n',
        info + 'METADATA': 'Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n',
        info + 'WHEEL': 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',
    }
    record = ''.join(f'{name},,\\n' for name in [*files, info + 'RECORD'])
    with zipfile.ZipFile(f'{folder}/NAME-1.0-py3-none-any.whl', 'w') as wheel:
        for name, text in {**files, info + 'RECORD': record}.items():
            wheel.writestr(name, text)
    return 'NAME-1.0-py3-none-any.whl'
";
    let folder = room.path(name);
    std::fs::create_dir(&folder).expect("a new folder");
    let build = format!(
        "[build-system]\nrequires = ['{requires}']\nbuild-backend = 'backend'\n\
         backend-path = ['.']\n[project]\nname = '{name}'\ndynamic = ['version']\n"
    );
    std::fs::write(folder.join("pyproject.toml"), build).expect("a file");
    std::fs::write(folder.join("backend.py"), backend.replace("NAME", name)).expect("a file");
    format!("{name} @ file://{folder}")
}

#[tokio::test]
async fn source_builds_have_a_setuptools_with_pkg_resources_unless_they_ask_for_a_newer_one() {
    let room = Room::new();
    room.publish_package("setuptools", "80.0", "");
    room.publish_package("setuptools", "82.0", "");
    for (name, requires, built_by) in [
        ("plain", "setuptools", "80.0"),
        ("newest", "setuptools>=81", "82.0"),
    ] {
        let spec = room.spec(&[&project(&room, name, requires)]);
        let prepared = room.environments("uv").prepare(&spec).await;
        let prepared = prepared.expect("it can be built");
        let asks = format!("import {name}; print({name}.version)");
        let version = run(Command::new(&prepared.python).args(["-c", &asks]));
        assert_eq!(version, built_by, "{name}");
    }
}

#[tokio::test]
async fn old_releases_of_pandas_count_though_uv_cannot_read_what_they_need() {
    let room = Room::new();
    room.publish_package("pandas", "0.23.4", "pytz (>=2011k)");
    for name in ["numpy", "pytz", "python_dateutil"] {
        room.publish_package(name, "2026.1", "");
    }
    for pandas in ["pandas==0.23.4", "pandas<0.25"] {
        let prepared = room
            .environments("uv")
            .prepare(&room.spec(&[pandas]))
            .await
            .expect("it can be built");
        let asks = "import pandas, pytz; print(pandas.version)";
        let version = run(Command::new(&prepared.python).args(["-c", asks]));
        assert_eq!(version, "0.23.4");
    }
}

#[tokio::test]
async fn without_uv_the_failure_says_how_to_get_it() {
    let room = Room::new();
    let failure = room.environments("no-uv").prepare(&room.spec(&[])).await;
    let failure = failure.expect_err("there is no such program");
    assert!(failure.detail.contains("no-uv"), "{}", failure.detail);
    assert!(failure.hint.contains("pip install uv"), "{}", failure.hint);
}

#[tokio::test]
async fn an_interpreter_is_used_as_it_is_and_must_exist() {
    let room = Room::new();
    let environments = room.environments("no-uv-is-needed");
    let spec = |python: &str| EnvironmentSpec::Interpreter {
        python: python.to_owned(),
    };
    let python = Utf8PathBuf::from(&*PYTHON);
    let prepared = environments.prepare(&spec(&PYTHON)).await;
    let prepared = prepared.expect("it is there");
    assert_eq!(prepared.python, python);
    let bin = prepared.bin.expect("a folder that has a `python`");
    let print = "import sys; print(sys.prefix)";
    let prefix = |python: &Utf8Path| run(Command::new(python).args(["-c", print]));
    assert_eq!(prefix(&bin.join("python")), prefix(&python));
    let failure = environments
        .prepare(&spec("/no/such/python"))
        .await
        .expect_err("missing");
    assert_eq!(failure.kind, FailureKind::Environment);
    assert_eq!(
        failure.summary,
        "interpreter `/no/such/python` cannot be used"
    );
}

#[tokio::test]
async fn what_requirements_name_counts_by_its_content() {
    let room = Room::new();
    let environments = room.environments("uv");
    let list = room.path("requirements.txt");
    std::fs::write(&list, "tiny==1.0\n").expect("written");
    let spec = room.spec(&[&format!("-r {list}")]);
    let first = environments.prepare(&spec).await.expect("it can be built");
    assert_eq!(version_of_tiny(&first), "1.0");
    room.publish("2.0");
    std::fs::write(&list, "tiny==2.0\n").expect("written");
    let second = environments.prepare(&spec).await.expect("it can be built");
    assert_eq!(version_of_tiny(&second), "2.0");

    let wheel = room.path("wheels/tiny-1.0-py3-none-any.whl");
    let spec = room.spec(&[wheel.as_str()]);
    let named = environments.prepare(&spec).await.expect("it can be built");
    assert_eq!(version_of_tiny(&named), "1.0");
    std::fs::copy(room.path("wheels/tiny-2.0-py3-none-any.whl"), &wheel).expect("copied");
    std::fs::remove_file(&wheel).expect("removed");
    let failure = environments.prepare(&spec).await.expect_err("it is gone");
    assert!(
        failure.detail.contains(wheel.as_str()),
        "{}",
        failure.detail
    );
}

#[tokio::test]
async fn modules_are_compiled_when_the_environment_is_built() {
    let room = Room::new();
    let prepared = room.environments("uv").prepare(&room.spec(&["tiny"])).await;
    let prepared = prepared.expect("it can be built");
    let compiled = "import importlib.util as u, os, tiny; \
                    print(os.path.exists(u.cache_from_source(tiny.__file__)))";
    let mut python = Command::new(&prepared.python);
    let answer = run(python.args(["-B", "-c", compiled]));
    assert_eq!(answer, "True");
}
