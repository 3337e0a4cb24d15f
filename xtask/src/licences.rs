//! Where the packages of Cargo.lock come from and what their licences allow.
//!
//! Asks `cargo metadata`, which reads what was fetched and builds nothing. Known weaknesses of a package
//! are no part of it: their list is on the network, and `cargo deny check advisories` reads it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

/// The licences under which the program may be given on as it is, with their texts alone.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(root: &Path, faults: &mut Vec<String>) {
    match packages(root) {
        Ok(packages) => faults.extend(packages.iter().filter_map(fault_of)),
        Err(reason) => faults.push(format!("`cargo metadata` cannot be read: {reason}")),
    }
}

fn packages(root: &Path) -> Result<Vec<Value>, String> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--format-version=1", "--locked"];
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let packages = metadata["packages"].as_array().cloned();
    packages.ok_or_else(|| "it names no packages".to_owned())
}

/// What is wrong with a package: `None` for one of ours.
fn fault_of(package: &Value) -> Option<String> {
    let source = package["source"].as_str()?;
    let name = package["name"].as_str().unwrap_or_default();
    if source != REGISTRY {
        return Some(format!(
            "{name}: comes from `{source}` and not from crates.io"
        ));
    }
    let licence = package["license"].as_str().unwrap_or_default();
    (!is_allowed(licence))
        .then(|| format!("{name}: its licence `{licence}` is not among those allowed"))
}

fn is_allowed(licence: &str) -> bool {
    Expression::parse_mode(licence, ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|asked| {
            let id = asked.license.id();
            id.is_some_and(|id| ALLOWED.contains(&id.name))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_choice_that_is_allowed_is_enough_and_all_of_a_sum_are_needed() {
        for licence in [
            "MIT",
            "MIT/Apache-2.0",
            "MIT OR GPL-3.0-only",
            "Apache-2.0 WITH LLVM-exception",
            "(MIT OR GPL-2.0-only) AND ISC",
        ] {
            assert!(is_allowed(licence), "{licence}");
        }
        for licence in ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "Mine"] {
            assert!(!is_allowed(licence), "{licence}");
        }
    }
}
