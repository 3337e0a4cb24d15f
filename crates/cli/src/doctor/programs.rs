//! The programs that runs need: this one, its supervisor, Python with the SDK, and uv.

use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

use super::Finding;
use crate::python;
use crate::service;

/// What the SDK's state is asked with: its version, or why it cannot be imported, and whether the
/// original packages are installed beside it.
const PROBE: &str = "\
import importlib.metadata as m, platform
def version(name):
    try: return m.version(name)
    except m.PackageNotFoundError: return '-'
try:
    import stepwell; ok = 'yes'
except Exception as e: ok = repr(e).replace('\\n', ' ')
print(platform.python_version(), version('stepwell'), version('azureml-core'), ok, sep='\\n')
";

pub(super) fn examine() -> Vec<Finding> {
    let mut findings = vec![stepwell(), supervisor()];
    match python::find() {
        Ok(python) => {
            findings.extend(interpreter(&python));
            findings.push(uv(Some(&python)));
        }
        Err(error) => {
            let hint = "activate the virtual environment that has the package `stepwell`";
            findings.push(Finding::wrong("python", error.to_string(), hint));
            findings.push(uv(None));
        }
    }
    findings
}

fn stepwell() -> Finding {
    let place = std::env::current_exe().map(|path| format!(", `{}`", path.display()));
    let version = env!("CARGO_PKG_VERSION");
    Finding::fine(
        "stepwell",
        format!("{version}{}", place.unwrap_or_default()),
    )
}

fn supervisor() -> Finding {
    match service::supervisor() {
        Ok(path) => Finding::fine("supervisor", format!("`{path}`")),
        Err(error) => Finding::wrong("supervisor", error.message, error.hint),
    }
}

fn interpreter(python: &Utf8Path) -> Vec<Finding> {
    let output = Command::new(python)
        .args(["-c", PROBE])
        .stdin(Stdio::null())
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let lines: Vec<&str> = text.as_deref().unwrap_or_default().lines().collect();
    let [version, sdk, original, import] = lines[..] else {
        let hint = "activate another virtual environment";
        return vec![Finding::wrong(
            "python",
            format!("`{python}` does not work"),
            hint,
        )];
    };
    let mut findings = vec![Finding::fine("python", format!("{version}, `{python}`"))];
    findings.push(match (import, sdk) {
        ("yes", "-") => Finding::fine("sdk", "importable, not installed as a package"),
        ("yes", sdk) => Finding::fine("sdk", sdk),
        (error, _) => {
            let hint = format!("install the package with `{python} -m pip install stepwell`");
            Finding::wrong("sdk", format!("`{python}` cannot import it: {error}"), hint)
        }
    });
    if original != "-" {
        let what = format!("`azureml-core` {original} is installed in the same environment");
        let hint = format!("remove it with `{python} -m pip uninstall azureml-core`");
        findings.push(Finding::wrong("azureml", what, hint));
    }
    findings
}

/// The places are those the environments of steps are built from.
fn uv(python: Option<&Utf8Path>) -> Finding {
    let named = std::env::var("STEPWELL_UV").ok().map(Utf8PathBuf::from);
    let beside = python
        .and_then(Utf8Path::parent)
        .map(|folder| folder.join("uv"));
    let path = std::env::var("PATH").unwrap_or_default();
    let places = named
        .into_iter()
        .chain(beside)
        .chain(python::on_path("uv", &path));
    let found = places.filter(|place| place.is_file()).find_map(|place| {
        let output = Command::new(&place).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output
            .status
            .success()
            .then(|| format!("{version}, `{place}`"))
    });
    match found {
        Some(what) => Finding::fine("uv", what),
        None => Finding::note(
            "uv",
            "not found: steps with an environment of their own cannot run",
            "install it with `pip install uv`",
        ),
    }
}
