//! Which Python runs the user's program.

use camino::{Utf8Path, Utf8PathBuf};

use crate::exit::Exit;
use crate::failure::Advice;

/// There is no Python.
#[derive(Debug, thiserror::Error)]
#[error("no Python was found; looked for {}", .places.join(", "))]
pub(crate) struct NoPython {
    places: Vec<String>,
}

impl Advice for NoPython {
    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn hint(&self) -> String {
        "activate the virtual environment that has the package `stepwell`".to_owned()
    }
}

/// Finds the interpreter: of the environment this program is installed in, else of the active
/// virtual environment, else the first on the `PATH`.
pub(crate) fn find() -> Result<Utf8PathBuf, NoPython> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Utf8PathBuf::from_path_buf(program).ok())
        .and_then(|program| program.parent().map(Utf8Path::to_owned));
    let active = std::env::var("VIRTUAL_ENV").ok();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut candidates = Vec::new();
    candidates.extend(beside.map(|folder| folder.join("python3")));
    candidates.extend(active.map(|root| Utf8PathBuf::from(root).join("bin/python3")));
    candidates.extend(on_path("python3", &path));
    candidates.extend(on_path("python", &path));
    let found = candidates
        .iter()
        .find(|candidate| candidate.is_file())
        .cloned();
    found.ok_or_else(|| NoPython {
        places: candidates
            .iter()
            .take(2)
            .map(|place| format!("`{place}`"))
            .chain(["`python3` on the PATH".to_owned()])
            .collect(),
    })
}

/// Where a program could be on a `PATH`.
pub(crate) fn on_path<'a>(
    program: &'a str,
    path: &'a str,
) -> impl Iterator<Item = Utf8PathBuf> + 'a {
    path.split(':')
        .filter(|folder| folder.starts_with('/'))
        .map(move |folder| Utf8Path::new(folder).join(program))
}
