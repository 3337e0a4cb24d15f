//! Which Python has wheels for the versions that a program states.
//!
//! It decides for a Python that the program did not name: an old release that its requirements
//! state may have wheels for older Pythons alone. What has wheels, uv says elsewhere (`older`).
//! Pure. Invariant: an older Python is taken only if it has wheels of something that the preferred
//! one has none of, and lacks nothing that the preferred one has.

use std::collections::BTreeSet;

use super::era;
use super::interpreter::SDK_RUNS_FROM;

/// What one series of Python has wheels of, of what is pinned.
#[derive(Debug)]
pub(super) struct Supply<'a> {
    /// The series, such as `3.8`.
    pub(super) series: String,
    /// Of what the preferred Python lacks, that which this one lacks, too.
    pub(super) lacks: BTreeSet<&'a str>,
    /// Whether it has what the preferred Python has.
    pub(super) has_the_rest: bool,
}

/// The requirements that state a version; of the others uv takes a release that has wheels.
pub(super) fn pins(requirements: &[String]) -> Vec<&str> {
    let states_version = |line: &&str| {
        let condition = line.split(';').next().unwrap_or_default();
        !line.starts_with('-')
            && !condition.contains(['@', '/'])
            && condition.contains(['=', '<', '>', '~', '!'])
    };
    let lines = requirements.iter().map(String::as_str);
    lines.filter(states_version).collect()
}

/// The series that are older than `version` and that the SDK runs in, newest first.
pub(super) fn older_series(version: &str) -> Vec<String> {
    let (major, oldest) = SDK_RUNS_FROM;
    match era::series(version) {
        Some((of, minor)) if of == major => (oldest..minor)
            .rev()
            .map(|minor| format!("{major}.{minor}"))
            .collect(),
        _ => Vec::new(),
    }
}

/// Those of the older Pythons that have all that can be had; `lacking` is what the preferred
/// Python has no wheels of. What has wheels nowhere decides nothing.
pub(super) fn fitting<'s, 'a>(
    lacking: &BTreeSet<&str>,
    older: &'s [Supply<'a>],
) -> Vec<&'s Supply<'a>> {
    let nowhere: BTreeSet<&str> = lacking
        .iter()
        .copied()
        .filter(|pin| older.iter().all(|each| each.lacks.contains(pin)))
        .collect();
    if nowhere == *lacking {
        return Vec::new();
    }
    let fits = |each: &&Supply<'_>| each.has_the_rest && each.lacks.is_subset(&nowhere);
    older.iter().filter(fits).collect()
}

/// What is pinned and had: all of it tells when a program was written, also what has wheels for any
/// Python.
pub(super) fn had<'a>(pins: &[&'a str], supply: &Supply<'_>) -> Vec<&'a str> {
    let lacks = |pin: &&&str| supply.lacks.contains(**pin);
    pins.iter().filter(|pin| !lacks(pin)).copied().collect()
}

/// What uv's refusal to resolve without building means: whether it is for want of wheels. Anything
/// else, such as an index that does not answer, says nothing of wheels.
pub(super) fn is_want_of_wheels(words: &str) -> bool {
    words.contains("No solution found")
}

/// The first days of the months since wheels are common, up to the day `until`.
pub(super) fn months(until: &str) -> Vec<String> {
    let months = |year| (1..=12).map(move |month| format!("{year}-{month:02}-01"));
    // Days of this form sort as text.
    let days = (2016..=9999).flat_map(months);
    days.take_while(|day| day.as_str() < until).collect()
}

/// The day whose packages fit a program whose pins were all there on `there`, the first such of
/// `months`, in Python `taken`: it was written some months later, when that Python had packages.
pub(super) fn packages_as_of(months: &[String], there: usize, taken: &str) -> Option<String> {
    let written = months.get(there + 3)?;
    let first = era::first_day(taken).unwrap_or_default();
    Some(first.max(written.as_str()).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_requirements_that_state_a_version() {
        let lines = [
            "pandas==0.25.3",
            "numpy",
            "scikit-learn[extra]<1 ; python_version < '3.9'",
            "joblib ; python_version < '3.9'",
            "-e /src/project",
            "tool @ https://example.org/tool-1.0.tar.gz",
            "git+https://example.org/tool#egg=tool",
            "/wheels/tool-1.0-py3-none-any.whl",
        ];
        let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        assert_eq!(
            pins(&lines),
            [
                "pandas==0.25.3",
                "scikit-learn[extra]<1 ; python_version < '3.9'"
            ]
        );
    }

    #[test]
    fn older_pythons_come_newest_first_down_to_the_oldest_that_the_sdk_runs_in() {
        assert_eq!(older_series("3.9.18"), ["3.8", "3.7", "3.6"]);
        assert!(older_series("3.6.15").is_empty());
        assert!(older_series("4.0").is_empty());
    }

    /// Which Pythons fit; each is its series, what it lacks, and `!` if it lacks something else.
    fn check(lacking: &[&str], older: &[&'static str]) -> String {
        let supply = |text: &&'static str| {
            let mut words = text.split_whitespace();
            let series = words.next().unwrap_or_default().to_owned();
            let (other, lacks): (BTreeSet<_>, BTreeSet<_>) = words.partition(|word| *word == "!");
            Supply {
                series,
                lacks,
                has_the_rest: other.is_empty(),
            }
        };
        let older: Vec<Supply<'_>> = older.iter().map(supply).collect();
        let fitting = fitting(&lacking.iter().copied().collect(), &older);
        let series: Vec<&str> = fitting.iter().map(|each| each.series.as_str()).collect();
        series.join(" ")
    }

    #[test]
    fn an_older_python_is_taken_that_has_what_the_preferred_one_lacks() {
        assert_eq!(check(&["pandas"], &["3.9 pandas", "3.8", "3.7"]), "3.8 3.7");
        // Of two, one Python must have both.
        let both = ["pandas", "sklearn"];
        assert_eq!(
            check(&both, &["3.9 pandas sklearn", "3.8 sklearn", "3.7"]),
            "3.7"
        );
        // What has wheels nowhere is built from source in any of them.
        let source = ["pandas", "source"];
        assert_eq!(check(&source, &["3.9 pandas source", "3.8 source"]), "3.8");
        assert_eq!(check(&["source"], &["3.9 source", "3.8 source"]), "");
        // What the preferred Python has is not given up.
        assert_eq!(check(&["pandas"], &["3.9 pandas", "3.8 !"]), "");
        assert_eq!(check(&["pandas"], &[]), "");
    }

    #[test]
    fn everything_pinned_that_is_had_tells_when_a_program_was_written() {
        let supply = Supply {
            series: "3.7".to_owned(),
            lacks: BTreeSet::from(["source==1.0"]),
            has_the_rest: true,
        };
        assert_eq!(
            had(
                &["pandas==0.23.4", "source==1.0", "joblib==0.14.0"],
                &supply
            ),
            ["pandas==0.23.4", "joblib==0.14.0"]
        );
    }

    #[test]
    fn packages_are_those_of_some_months_after_what_is_pinned() {
        let months = months("2020-03-02");
        assert_eq!(months.len(), 4 * 12 + 3);
        let of = |day: &str| months.iter().position(|month| month == day);
        let there = of("2019-10-01").expect("it is a month");
        let as_of = |taken| packages_as_of(&months, there, taken);
        assert_eq!(as_of("3.7.16").as_deref(), Some("2020-01-01"));
        assert_eq!(as_of("3.8.18").as_deref(), Some("2020-01-31"));
        assert_eq!(packages_as_of(&months, months.len() - 1, "3.8"), None);
    }
}
