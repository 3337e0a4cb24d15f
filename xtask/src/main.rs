//! `cargo xtask tidy`: what the house asks of every crate and file, checked by a machine.
//!
//! Reads manifests and sources as text; builds and changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Which crates of ours a crate may use. What is not here may use none.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("api", &[]),
    ("layout", &[]),
    ("schedule", &["model"]),
    ("store", &["model"]),
    ("data", &["model"]),
    ("datastore", &["model", "data"]),
    ("supervise", &["model", "data"]),
    ("parallel", &["model"]),
    ("compute", &["model", "data", "datastore", "supervise"]),
    (
        "engine",
        &["model", "store", "data", "datastore", "parallel", "compute"],
    ),
    (
        "server",
        &[
            "model",
            "api",
            "layout",
            "schedule",
            "store",
            "data",
            "datastore",
            "compute",
            "parallel",
            "engine",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "api",
            "layout",
            "data",
            "supervise",
            "parallel",
            "server",
        ],
    ),
];

/// A file without its tests should not be longer; one idea seldom needs it.
const LINES_MAX: usize = 600;

/// A file longer than this says at its top what it is for.
const GUIDE_FROM: usize = 80;

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    if task.as_deref() != Some("tidy") {
        eprintln!("usage: cargo xtask tidy");
        return ExitCode::from(2);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut faults = Vec::new();
    check_manifests(&root, &mut faults);
    check_core(&root, &mut faults);
    for path in files(&root.join("crates"), "rs") {
        check_source(&path, &mut faults);
    }
    for path in files(&root.join("python"), "py") {
        check_length(&path, &read(&path), &mut faults);
    }
    for fault in &faults {
        eprintln!("tidy: {fault}");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Edges between crates, shared lints, versions in one place.
fn check_manifests(root: &Path, faults: &mut Vec<String>) {
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
        for line in dependencies(&manifest) {
            let used = line.split(['.', ' ', '=']).next().unwrap_or_default();
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

/// The scheduler's core uses the model and nothing of the world.
fn check_core(root: &Path, faults: &mut Vec<String>) {
    let banned = [
        "std::fs",
        "std::env",
        "std::process",
        "std::time",
        "std::thread",
        "tokio",
        "stepwell_store",
        "stepwell_compute",
        "stepwell_data",
    ];
    for path in files(&root.join("crates/engine/src/core"), "rs") {
        let text = read(&path);
        for word in banned
            .iter()
            .filter(|word| code(&text).any(|line| line.contains(**word)))
        {
            faults.push(format!("{}: the core may not use `{word}`", path.display()));
        }
    }
}

fn check_source(path: &Path, faults: &mut Vec<String>) {
    let text = read(path);
    let shown = path.display();
    check_length(path, &text, faults);
    if text.lines().count() > GUIDE_FROM && !text.starts_with("//!") {
        faults.push(format!("{shown}: does not say at its top what it is for"));
    }
    let in_tests = path.components().any(|part| part.as_os_str() == "tests");
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        if code.contains("#[allow(") || code.contains("#![allow(") {
            faults.push(format!(
                "{shown}:{number}: `#[expect(…, reason)]` instead of `#[allow]`"
            ));
        }
        if code.contains("#[ignore") || code.contains("#[should_panic") {
            faults.push(format!("{shown}:{number}: no ignored or panicking tests"));
        }
        if in_tests && code.contains("thread::sleep(") {
            faults.push(format!(
                "{shown}:{number}: a test waits for a value, not for a time"
            ));
        }
    }
}

fn check_length(path: &Path, text: &str, faults: &mut Vec<String>) {
    let lines = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .count();
    if lines > LINES_MAX {
        faults.push(format!(
            "{}: {lines} lines; the limit is {LINES_MAX}",
            path.display()
        ));
    }
}

fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The files of one extension below a folder.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found
}
