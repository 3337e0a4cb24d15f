//! `cargo xtask tidy`: what the house asks of every crate and file, checked by a machine.
//!
//! Reads manifests and sources as text, and what cargo knows of the packages; builds and changes nothing.

mod files;
mod layers;
mod licences;
mod purity;
mod sources;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    if task.as_deref() != Some("tidy") {
        eprintln!("usage: cargo xtask tidy");
        return ExitCode::from(2);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut faults = Vec::new();
    layers::check_manifests(&root, &mut faults);
    layers::check_workspace(&root, &mut faults);
    layers::check_python(&root, &mut faults);
    licences::check(&root, &mut faults);
    purity::check(&root, &mut faults);
    for path in files::files(&root.join("crates"), "rs") {
        sources::check_rust(&path, &mut faults);
    }
    for path in files::files(&root.join("python"), "py") {
        sources::check_length(&path, &files::read(&path), &mut faults);
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
