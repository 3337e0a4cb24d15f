//! What a step on an isolated target sees of the file system.
//!
//! The folders of the system, its environment and the interpreter that leads to, what its target
//! names; and of the data folder its working folder, its inputs and its outputs. It looks at where
//! links lead, and touches nothing.

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::{Failure, FailureKind, Isolation};
use stepwell_supervise::View;

use super::layout::Layout;
use super::{Stager, start_hook};
use crate::{Prepared, Work};

/// What programs of the system are made of, and how they ask the kernel. Steps of an ordinary
/// target see these as well; none of it is the user's.
const SYSTEM: &[&str] = &[
    "/bin",
    "/etc",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/opt",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
];

/// The devices: terminals, random bytes, accelerators, shared memory.
const DEVICES: &str = "/dev";

/// What an installation of Python consists of, below its prefix. The prefix itself may be the
/// user's home.
const INSTALLATION: &[&str] = &["bin", "include", "lib", "lib64", "pyvenv.cfg", "share"];

/// The view of a job's program; `None` if its target hides nothing.
///
/// # Errors
/// When work of its kind cannot be isolated.
pub(super) fn of(
    stager: &Stager,
    layout: &Layout<'_>,
    prepared: Option<&Prepared>,
) -> Result<Option<View>, Failure> {
    let job = layout.job;
    let Some(isolation) = job.compute.isolation() else {
        return Ok(None);
    };
    let is_native = matches!(job.work, Work::Native { .. });
    if is_native && job.work.python().is_none() {
        // Stepwell's own program, which runs nothing of the user's.
        return Ok(None);
    }
    if !job.stages_data {
        return Err(refused());
    }
    Ok(Some(view(stager, layout, prepared, isolation, is_native)))
}

fn refused() -> Failure {
    let summary = "a step of this kind opens datastores itself, and cannot be isolated".to_owned();
    let hint = "run it on a target without `isolation`";
    Failure::new(FailureKind::Environment, summary).with_hint(hint)
}

fn view(
    stager: &Stager,
    layout: &Layout<'_>,
    prepared: Option<&Prepared>,
    isolation: &Isolation,
    is_native: bool,
) -> View {
    let (job, folder, attempt) = (layout.job, &stager.folder, &layout.attempt);
    let run = job.attempt.run;
    let named = |paths: &[String]| paths.iter().map(Utf8PathBuf::from).collect::<Vec<_>>();
    let mut readable: Vec<Utf8PathBuf> = SYSTEM.iter().map(Utf8PathBuf::from).collect();
    readable.extend(named(&isolation.readable));
    readable.extend(stager.program.canonicalize_utf8());
    let mut own = vec![start_hook::folder(folder)];
    if let Some(prepared) = prepared {
        for path in installations(&prepared.python) {
            let place = if path.starts_with(folder.root()) {
                &mut own
            } else {
                &mut readable
            };
            place.push(path);
        }
    }
    if let Some(sdk) = &job.sdk {
        // A link to where the SDK is that submitted the step.
        readable.extend(folder.sdk().join(sdk).canonicalize_utf8());
    }
    let inputs = layout.inputs().into_iter().map(|input| input.from);
    own.extend(inputs.chain(layout.read_in_place()));
    let mut own_writable = vec![attempt.work_dir(), folder.spool(run)];
    own_writable.extend(layout.written_to());
    let mut own_files = Vec::new();
    if is_native {
        own.push(attempt.request_path());
        own_writable.extend([folder.state(run), folder.run_files(run)]);
        own_files.push(attempt.failure_path());
    }
    let mut writable = named(&isolation.writable);
    writable.push(DEVICES.into());
    View {
        hidden: folder.root().to_owned(),
        readable,
        writable,
        own,
        own_writable,
        own_files,
    }
}

/// What is installed around an interpreter, and around the one that it is made from.
fn installations(python: &Utf8Path) -> Vec<Utf8PathBuf> {
    let prefix = |python: &Utf8Path| {
        python
            .parent()
            .and_then(Utf8Path::parent)
            .map(Utf8Path::to_owned)
    };
    let mut prefixes: Vec<Utf8PathBuf> = prefix(python).into_iter().collect();
    // An environment may be made from another environment: each names the one before it.
    let mut next = prefixes.first().cloned();
    while let Some(environment) = next.take().filter(|_| prefixes.len() < 8) {
        let text = std::fs::read_to_string(environment.join("pyvenv.cfg")).unwrap_or_default();
        let home = text.lines().filter_map(|line| line.split_once('='));
        let home = home.map(|(key, value)| (key.trim(), value.trim()));
        let home = home
            .filter(|(key, _)| *key == "home")
            .map(|(_, home)| home)
            .next();
        let base = home.and_then(|home| Utf8Path::new(home).parent());
        if let Some(base) = base.filter(|base| !prefixes.iter().any(|known| known == base)) {
            next = Some(base.to_owned());
            prefixes.push(base.to_owned());
        }
    }
    if let Ok(real) = python.canonicalize_utf8() {
        prefixes.extend(prefix(&real));
    }
    let parts = |prefix: &Utf8PathBuf| {
        INSTALLATION
            .iter()
            .map(|part| prefix.join(part))
            .collect::<Vec<_>>()
    };
    prefixes.iter().flat_map(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_shows_itself_and_what_it_is_made_from_and_no_home() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs_err::create_dir_all(root.join("env/bin")).expect("made");
        fs_err::create_dir_all(root.join("home/bin")).expect("made");
        let configuration = format!("home = {root}/home/bin\nversion = 3\n");
        fs_err::write(root.join("env/pyvenv.cfg"), configuration).expect("written");
        let found = installations(&root.join("env/bin/python"));
        for part in ["env/bin", "env/lib", "home/bin", "home/lib"] {
            assert!(found.contains(&root.join(part)), "{part}: {found:?}");
        }
        assert!(!found.contains(&root.join("home")) && !found.contains(&root.to_owned()));
    }
}
