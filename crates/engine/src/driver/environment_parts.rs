//! What of an environment goes into the key of a step: for one to build what was asked for, for one that
//! exists its interpreter and the packages installed for it.
//!
//! Invariant: one interpreter is looked at once for all queries that are answered together.

use std::collections::HashMap;

use stepwell_model::EnvironmentSpec;

use crate::core::key::Part;

/// What is found out once for all queries that are answered together.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// The parts of each interpreter that was looked at.
    interpreters: HashMap<String, Vec<Part>>,
}

impl Memo {
    /// An environment to build is what was asked for. One that exists is its interpreter and the
    /// packages that are installed beside it, by name and version.
    pub(super) fn environment_parts(&mut self, environment: &EnvironmentSpec) -> Vec<Part> {
        let spec = match environment {
            EnvironmentSpec::Interpreter { python } => {
                let known = self.interpreters.entry(python.clone());
                return known.or_insert_with(|| interpreter_parts(python)).clone();
            }
            EnvironmentSpec::Python(spec) => spec,
        };
        let stated = spec.python_version.as_ref();
        let stated = stated.or(spec.python_preferred.as_ref()).cloned();
        let version = stated.unwrap_or_else(|| version_of(&spec.base_python));
        let mut parts = vec![Part::new("python", version)];
        if let Some(digest) = stepwell_compute::digest_of_named_files(spec) {
            parts.push(Part::new("files that the packages name", digest));
        }
        for (section, lines) in [
            ("package", &spec.pip),
            ("conda package", &spec.conda),
            ("pip option", &spec.pip_options),
        ] {
            for line in lines {
                let name = line.split(['=', '<', '>', '!', '~', '[', ';', ' ']).next();
                let name = format!("{section} {}", name.unwrap_or(line));
                parts.push(Part::new(name, line));
            }
        }
        parts
    }
}

/// The version in an interpreter's own name, such as `3.12`, whatever link leads there; else where it
/// is. An environment is built with that version, by whichever name its program was started.
fn version_of(python: &str) -> String {
    let real = camino::Utf8Path::new(python).canonicalize_utf8();
    let real = real.as_deref().unwrap_or(camino::Utf8Path::new(python));
    let version = real
        .file_name()
        .and_then(|name| name.strip_prefix("python"));
    match version.filter(|version| version.contains('.')) {
        Some(version) => version.to_owned(),
        None => real.to_string(),
    }
}

fn interpreter_parts(python: &str) -> Vec<Part> {
    // A virtual environment's python is a link; links of several names may lead there.
    let real = camino::Utf8Path::new(python).canonicalize_utf8();
    let real = real.as_ref().map_or(python, |path| path.as_str());
    let mut parts = vec![Part::new("python", real)];
    for package in installed(python) {
        let (name, version) = package.split_once('-').unwrap_or((&package, ""));
        parts.push(Part::new(format!("package {name}"), version));
    }
    parts
}

/// What is installed for an interpreter, as `name-version`, sorted. Stepwell itself is left out:
/// a new release does not change what a step does.
fn installed(python: &str) -> Vec<String> {
    let Some((prefix, _)) = python.rsplit_once("/bin/") else {
        return Vec::new();
    };
    let lib = camino::Utf8PathBuf::from(format!("{prefix}/lib"));
    let versions = lib.read_dir_utf8().into_iter().flatten().flatten();
    let versions = versions.filter(|entry| entry.file_name().starts_with("python3"));
    let packages = versions.map(|entry| entry.path().join("site-packages"));
    let entries = packages.flat_map(|path| path.read_dir_utf8().into_iter().flatten().flatten());
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry
                .file_name()
                .strip_suffix(".dist-info")
                .map(str::to_owned)
        })
        .filter(|name| !name.starts_with("stepwell-"))
        .collect();
    names.sort();
    names
}
