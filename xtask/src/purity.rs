//! Which modules decide purely: they name no clock, file, process, thread, random source or runtime.
//!
//! By text: what a dependency does inside is not seen.

use std::path::Path;

use crate::files::{code, files, read};

/// Folders and files that decide purely.
const PURE: &[&str] = &[
    "crates/model/src",
    "crates/api/src",
    "crates/schedule/src",
    "crates/tune/src",
    "crates/layout/src",
    "crates/engine/src/core",
    "crates/parallel/src/core",
    "crates/transfer/src/plan.rs",
    "crates/compute/src/environments/metadata.rs",
    "crates/compute/src/environments/wheels.rs",
];

const BANNED: &[&str] = &[
    "std::fs",
    "fs_err",
    "std::env",
    "std::process",
    "std::thread",
    "std::net",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "tokio",
    "thread_rng",
];

/// What the scheduler's core may not use beyond that: it knows the model alone.
const BANNED_IN_CORE: &[&str] = &["stepwell_store", "stepwell_compute", "stepwell_data"];

pub(super) fn check(root: &Path, faults: &mut Vec<String>) {
    for place in PURE {
        let place = root.join(place);
        let paths = if place.is_dir() {
            files(&place, "rs")
        } else {
            vec![place]
        };
        for path in paths {
            check_file(&path, BANNED, faults);
        }
    }
    for path in files(&root.join("crates/engine/src/core"), "rs") {
        check_file(&path, BANNED_IN_CORE, faults);
    }
}

fn check_file(path: &Path, banned: &[&str], faults: &mut Vec<String>) {
    let text = read(path);
    if text.is_empty() {
        faults.push(format!(
            "{}: is in the list of pure modules and does not exist",
            path.display()
        ));
    }
    for word in banned {
        if code(&text).any(|line| line.contains(word)) {
            faults.push(format!(
                "{}: decides purely, so it may not use `{word}`",
                path.display()
            ));
        }
    }
}
