//! What to do about a build that uv refused, by uv's own words.
//!
//! Pure. Invariant: a hint says nothing that the words do not show.

/// Modules of Python itself that people list as packages.
const STANDARD: &[&str] = &[
    "argparse",
    "collections",
    "csv",
    "datetime",
    "glob",
    "json",
    "logging",
    "math",
    "os",
    "pickle",
    "random",
    "re",
    "shutil",
    "sqlite3",
    "subprocess",
    "sys",
    "time",
    "tkinter",
    "uuid",
];

/// The next step, if the words show one.
pub(super) fn of(words: &str) -> Option<String> {
    let has = |part: &str| words.contains(part);
    if let Some(name) = missing_package(words) {
        return Some(match STANDARD.contains(&name) {
            true => format!("`{name}` is a module of Python itself: take it out of the packages"),
            false => format!(
                "no index that is asked has `{name}`: check how it is spelled, and name the index \
                 that has it with `--extra-index-url`"
            ),
        });
    }
    if has("401 Unauthorized") || has("403 Forbidden") {
        return Some(
            "the index refuses these credentials: check the user and the token in its URL"
                .to_owned(),
        );
    }
    let network = [
        "Could not connect",
        "dns error",
        "error sending request",
        "Connection refused",
    ];
    if network.iter().any(|part| has(part)) {
        return Some(
            "the index cannot be reached from the machine where the step runs: check the network \
             and the index, or set PIP_INDEX_URL for the server"
                .to_owned(),
        );
    }
    if has("No space left on device") {
        return Some(
            "the disk is full: make room, or move uv's cache with UV_CACHE_DIR".to_owned(),
        );
    }
    if has("hash mismatch") || has("Hash mismatch") {
        return Some(
            "a file is not the one that was resolved: remove the environment's lock to resolve it \
             anew, or check the index"
                .to_owned(),
        );
    }
    if has("Failed to build") || has("build backend") {
        return Some(compiled(words));
    }
    if has("Python version") || has("Python tag") || has("Python ABI") || has("requires-python") {
        return Some(
            "a package has no release for this Python: ask for another release of it, or for the \
             Python version that it was made for"
                .to_owned(),
        );
    }
    has("unsatisfiable").then(|| {
        "the requirements contradict each other: loosen one of the conditions that are named"
            .to_owned()
    })
}

/// What a package that could not be compiled needs.
fn compiled(words: &str) -> String {
    let has = |part: &str| words.contains(part);
    let needs = if has("gcc") && has("not found") || has("No such file or directory: 'gcc'") {
        Some("a C compiler, such as the system's package `gcc`")
    } else if has("Python.h") {
        Some("the headers of this Python, such as the system's package `python3-dev`")
    } else if has("pg_config") {
        Some("PostgreSQL's headers; `psycopg2-binary` needs none")
    } else if has("cmake") || has("CMake") {
        Some("CMake, such as the system's package `cmake`")
    } else {
        None
    };
    match needs {
        Some(needs) => format!("a package had to be compiled, which needs {needs}"),
        None => "a package had to be compiled, and could not: ask for a release that has a wheel \
                 for this Python, or for the Python version that it was made for"
            .to_owned(),
    }
}

/// The package that no index has.
fn missing_package(words: &str) -> Option<&str> {
    for (before, after) in [
        ("Because ", " was not found in the package registry"),
        (
            "Because ",
            " was not found in the provided package locations",
        ),
        ("there are no versions of ", " and "),
    ] {
        if let Some(end) = words.find(after)
            && let Some(start) = words[..end].rfind(before)
        {
            let name = words[start + before.len()..end].trim();
            let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if !name.is_empty() && name.chars().all(is_name) {
                return Some(name);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_fits_the_failure() {
        let cases = [
            (
                "Because tinny was not found in the package registry and you require",
                "`tinny`",
            ),
            (
                "Because json was not found in the package registry and you",
                "Python itself",
            ),
            (
                "error: Failed to build `x`\n fatal error: Python.h: No such file",
                "python3-dev",
            ),
            (
                "error: Failed to build `psycopg2`\nError: pg_config executable not",
                "psycopg2-binary",
            ),
            ("error: Failed to build `numpy==1.14`", "has a wheel"),
            (
                "error: HTTP status client error (401 Unauthorized) for url",
                "credentials",
            ),
            (
                "error: Request failed\n cause: dns error: failed to lookup",
                "network",
            ),
            ("your requirements are unsatisfiable", "contradict"),
        ];
        for (words, part) in cases {
            let hint = of(words).unwrap_or_default();
            assert!(hint.contains(part), "{words}: {hint}");
        }
        assert_eq!(of("error: something else"), None);
    }
}
