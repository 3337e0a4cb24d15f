//! Which files of a folder are meant: `--include` and `--exclude`.
//!
//! A pattern with a slash is matched against the path below the source, one without against the
//! file's name, in every folder. `*` stays within a name, `**` crosses folders, `{a,b}` is either.

/// Patterns of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Patterns {
    /// All files that match one of `include`, or all when there is none, but for those of `exclude`.
    #[must_use]
    pub const fn new(include: Vec<String>, exclude: Vec<String>) -> Self {
        Self { include, exclude }
    }

    /// Whether a file is meant.
    #[must_use]
    pub fn admit(&self, path: &str) -> bool {
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, path));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let subject = match pattern.contains('/') {
        true => path,
        false => path.rsplit('/').next().unwrap_or(path),
    };
    fast_glob::glob_match(pattern.trim_start_matches('/'), subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_pattern_is_matched_in_a_moment(
            pattern in "[*?a/{},!^\\[\\]\\\\.-]{0,40}|.{0,40}",
            path in "[a/.]{0,80}|.{0,80}",
        ) {
            let begin = std::time::Instant::now();
            let patterns = Patterns::new(vec![pattern.clone()], vec![pattern.clone()]);
            proptest::prop_assert!(!patterns.admit(&path));
            proptest::prop_assert!(begin.elapsed().as_secs() < 5, "{pattern:?} on {path:?}");
        }
    }

    #[test]
    fn patterns_match_names_or_paths() {
        let patterns = |include: &[&str], exclude: &[&str]| {
            let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            Patterns::new(own(include), own(exclude))
        };
        let all = patterns(&[], &[]);
        assert!(all.admit("a/b.csv"));
        let tables = patterns(&["*.{csv,parquet}"], &["tmp/**"]);
        assert!(tables.admit("a/b.csv") && tables.admit("c.parquet"));
        assert!(!tables.admit("a/b.txt") && !tables.admit("tmp/b.csv"));
        let top = patterns(&["/*.csv"], &[]);
        assert!(top.admit("b.csv") && !top.admit("a/b.csv"));
    }
}
