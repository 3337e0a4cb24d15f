//! What old releases of pandas need, where uv cannot read it.
//!
//! Until 0.24 pandas asks for `pytz (>=2011k)`, a version that the rules of today do not know: pip
//! of then took it, uv passes over each such release. It is said to uv in its own settings. Pure.

/// What each release needs of numpy; those before have no wheels for a Python that the SDK runs in.
const PANDAS: &[(&str, &[&str])] = &[
    (
        "1.9.0",
        &[
            "0.19.2", "0.20.0", "0.20.1", "0.20.2", "0.20.3", "0.21.0", "0.21.1", "0.22.0",
            "0.23.0", "0.23.1", "0.23.2", "0.23.3", "0.23.4",
        ],
    ),
    ("1.12.0", &["0.24.0", "0.24.1", "0.24.2"]),
];

/// Whether uv, by its words, fails for what such a release asks for; of a file that no index serves
/// it does not say what it cannot read.
pub(super) fn is_unreadable(words: &str) -> bool {
    words.contains("2011k") || words.contains("The structure of `pandas`")
}

/// uv's settings that say what these releases need.
pub(super) fn settings() -> String {
    let releases = PANDAS
        .iter()
        .flat_map(|(numpy, versions)| versions.iter().map(move |version| (numpy, version)));
    let each = releases.map(|(numpy, version)| {
        format!(
            "[[dependency-metadata]]\nname = \"pandas\"\nversion = \"{version}\"\n\
             requires-dist = [\"numpy>={numpy}\", \"python-dateutil>=2.5.0\", \"pytz>=2011\"]\n"
        )
    });
    each.collect()
}
