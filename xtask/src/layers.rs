//! Which crate may use which, and which Python package: the layer table of ARCHITECTURE.md.
//!
//! Reads manifests and import lines as text. A dependency that no source of its crate names is a
//! fault as well.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::files::{files, read};

/// Which crates of ours a crate may use. What is not here may use none.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("api", &[]),
    ("layout", &[]),
    ("tune", &[]),
    ("schedule", &["model"]),
    ("store", &["model"]),
    ("data", &["model"]),
    ("datastore", &["model", "data"]),
    ("transfer", &["model", "data", "datastore"]),
    ("tables", &["model", "datastore", "transfer"]),
    ("supervise", &["model", "data"]),
    ("parallel", &["model", "supervise"]),
    ("worker", &["model"]),
    ("usql", &["model", "worker"]),
    ("compute", &["model", "data", "datastore", "supervise"]),
    (
        "engine",
        &[
            "model",
            "store",
            "data",
            "datastore",
            "transfer",
            "parallel",
            "compute",
        ],
    ),
    (
        "workspace",
        &[
            "model",
            "schedule",
            "tune",
            "store",
            "data",
            "datastore",
            "engine",
        ],
    ),
    (
        "server",
        &[
            "model",
            "api",
            "layout",
            "schedule",
            "tune",
            "store",
            "data",
            "datastore",
            "transfer",
            "compute",
            "parallel",
            "engine",
            "workspace",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "api",
            "layout",
            "store",
            "data",
            "datastore",
            "transfer",
            "supervise",
            "parallel",
            "worker",
            "tune",
            "server",
        ],
    ),
];

/// Packages and modules below `python/`, and what no file of theirs may import at its top. An import
/// inside a function is allowed: it is how a lower layer hands over to an upper one.
const PYTHON_LAYERS: &[(&str, &[&str])] = &[
    ("stepwell/_spark", &["azureml"]),
    ("azureml/data", &["azureml.pipeline", "azureml.train"]),
    ("azureml/core", &["azureml.pipeline", "azureml.train"]),
];

/// The modules directly in `python/stepwell` know nothing of v1's names when they are imported.
const CLIENT: &str = "stepwell";

/// Edges between crates, shared lints, versions in one place.
pub(super) fn check_manifests(root: &Path, faults: &mut Vec<String>) {
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut seen = Vec::new();
    for folder in fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = folder.file_name().to_string_lossy().into_owned();
        let manifest = read(&folder.path().join("Cargo.toml"));
        let Some(allowed) = layers.get(name.as_str()) else {
            faults.push(format!("crate `{name}` is not in the layer table of xtask"));
            continue;
        };
        if !manifest.contains("[lints]\nworkspace = true") {
            faults.push(format!(
                "crate `{name}` does not take the workspace's lints"
            ));
        }
        let sources = sources(&folder.path());
        for line in dependencies(&manifest) {
            let used = name_of(line);
            if !is_used(used, &sources) {
                faults.push(format!("crate `{name}` does not use `{used}`"));
            }
            if !line.contains("workspace") && !line.contains("path = \".\"") {
                faults.push(format!(
                    "crate `{name}` gives `{used}` a version of its own"
                ));
            }
            let ours = used.strip_prefix("stepwell-");
            if let Some(ours) = ours
                && ours != name
                && !allowed.contains(&ours)
            {
                faults.push(format!(
                    "crate `{name}` may not use `{ours}`: see the layer table"
                ));
            }
        }
        seen.push(name);
    }
    for (name, _) in LAYERS {
        if !seen.iter().any(|known| known == name) {
            faults.push(format!("the layer table names `{name}`, which is no crate"));
        }
    }
}

/// The lines of every dependency table of a manifest.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    manifest.lines().filter(move |line| {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
            return false;
        }
        inside && !line.trim().is_empty() && !line.starts_with('#')
    })
}

fn name_of(line: &str) -> &str {
    line.split(['.', ' ', '=']).next().unwrap_or_default()
}

/// All Rust of a crate as one text.
fn sources(folder: &Path) -> String {
    files(folder, "rs").iter().map(|path| read(path)).collect()
}

fn is_used(dependency: &str, sources: &str) -> bool {
    let name = dependency.replace('-', "_");
    let is_word = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    sources.match_indices(&name).any(|(at, _)| {
        let bytes = sources.as_bytes();
        let before = at.checked_sub(1).map(|at| bytes[at]);
        !is_word(before) && !is_word(bytes.get(at + name.len()).copied())
    })
}

/// What a workspace can do is the same for every front door: it knows no HTTP and no wire format.
pub(super) fn check_workspace(root: &Path, faults: &mut Vec<String>) {
    let manifest = read(&root.join("crates/workspace/Cargo.toml"));
    for line in dependencies(&manifest) {
        let used = name_of(line);
        if ["axum", "http", "hyper", "utoipa", "stepwell-api"].contains(&used) {
            faults.push(format!("crate `workspace` may not use `{used}`"));
        }
    }
}

/// Python's layers, by the imports at the top of each file.
pub(super) fn check_python(root: &Path, faults: &mut Vec<String>) {
    for (package, banned) in PYTHON_LAYERS {
        for path in files(&root.join("python").join(package), "py") {
            check_imports(&path, banned, faults);
        }
    }
    for path in files(&root.join("python").join(CLIENT), "py") {
        if path.parent().is_some_and(|parent| parent.ends_with(CLIENT)) {
            check_imports(&path, &["azureml"], faults);
        }
    }
}

fn check_imports(path: &Path, banned: &[&str], faults: &mut Vec<String>) {
    for line in read(path).lines() {
        let module = line
            .strip_prefix("from ")
            .or_else(|| line.strip_prefix("import "))
            .and_then(|rest| rest.split(' ').next());
        let Some(module) = module else { continue };
        for name in banned {
            if module == *name || module.starts_with(&format!("{name}.")) {
                faults.push(format!(
                    "{}: may not import `{module}` at its top",
                    path.display()
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_used_when_a_whole_word_names_it() {
        assert!(is_used("fs-err", "use fs_err as fs;"));
        assert!(!is_used("http", "use axum_http::Body; let https = 1;"));
    }
}
