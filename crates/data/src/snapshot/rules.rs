//! Which files a snapshot leaves out, as Azure ML v1 decides it.
//!
//! One ignore file counts: `.amlignore` at the root of the folder, else `.gitignore` there, else
//! none. The two are never combined; ignore files in folders below or above, and git's own
//! settings, are not looked at. Hidden files, `__pycache__`, `.git` and the ignore file itself are
//! ordinary files.
//!
//! The patterns are git's, but as v1 applies them: the last line that matches a file *or any
//! folder it lies in* decides. So `data/` followed by `!data/keep.csv` keeps that one file, which
//! git itself would not.

use std::path::PathBuf;

use camino::Utf8Path;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::{Error, Result};

const IGNORE_FILES: [&str; 2] = [".amlignore", ".gitignore"];

/// The rules of one folder.
pub(super) struct Rules {
    patterns: Gitignore,
    /// The last line that takes files back in; 0 for none.
    last_exception: usize,
}

/// The line that decides about a path so far; line 0 stands for "no line speaks of it".
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Verdict {
    line: usize,
    ignored: bool,
}

impl Rules {
    /// The rules of the folder `root`.
    pub(super) fn of(root: &Utf8Path) -> Result<Self> {
        let mut candidates = IGNORE_FILES.map(|name| root.join(name)).into_iter();
        match candidates.find(|path| path.is_file()) {
            Some(file) => Self::parse(&file, &fs_err::read_to_string(&file)?),
            None => Self::parse(root, ""),
        }
    }

    /// No rules: every file counts.
    pub(super) fn none() -> Result<Self> {
        Self::parse("".into(), "")
    }

    fn parse(file: &Utf8Path, text: &str) -> Result<Self> {
        let refusal = |line, error: ignore::Error| Error::Pattern {
            file: file.to_owned(),
            line,
            fault: match error {
                ignore::Error::Glob { err, .. } => err,
                other => other.to_string(),
            },
        };
        let mut builder = GitignoreBuilder::new(".");
        let mut last_exception = 0;
        let text = text.trim_start_matches('\u{feff}');
        for (index, pattern) in text.lines().enumerate() {
            let line = index + 1;
            // A pattern's origin is all that comes back with a match: it carries the line.
            builder
                .add_line(Some(PathBuf::from(line.to_string())), pattern)
                .map_err(|error| refusal(line, error))?;
            if pattern.starts_with('!') {
                last_exception = line;
            }
        }
        let patterns = builder.build().map_err(|error| refusal(0, error))?;
        Ok(Self {
            patterns,
            last_exception,
        })
    }

    /// The verdict on `path`, given the one on the folder it lies in.
    pub(super) fn verdict(&self, folder: Verdict, path: &Utf8Path, is_dir: bool) -> Verdict {
        let (glob, ignored) = match self.patterns.matched(path, is_dir) {
            Match::None => return folder,
            Match::Ignore(glob) => (glob, true),
            Match::Whitelist(glob) => (glob, false),
        };
        let line = glob
            .from()
            .and_then(|origin| origin.to_str()?.parse().ok())
            .expect("every pattern was added with its line as origin");
        if line > folder.line {
            Verdict { line, ignored }
        } else {
            folder
        }
    }

    /// Whether a folder with this verdict need not be looked into.
    pub(super) fn nothing_within(&self, verdict: Verdict) -> bool {
        verdict.ignored && verdict.line > self.last_exception
    }
}

impl Verdict {
    /// Whether a file with this verdict is left out.
    pub(super) fn ignored(self) -> bool {
        self.ignored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `path` is left out, judged folder by folder as a scan does.
    fn ignored(text: &str, path: &str) -> bool {
        let rules = Rules::parse(".amlignore".into(), text).expect("patterns");
        let path = Utf8Path::new(path);
        let mut verdict = Verdict::default();
        let mut folders: Vec<_> = path.ancestors().skip(1).collect();
        folders.pop();
        for folder in folders.into_iter().rev() {
            verdict = rules.verdict(verdict, folder, true);
            if rules.nothing_within(verdict) {
                return true;
            }
        }
        rules.verdict(verdict, path, false).ignored()
    }

    proptest::proptest! {
        #[test]
        fn any_rules_are_refused_or_decide_about_any_path(
            text in "[*?a/{},!#^\\[\\]\\\\ \n.-]{0,60}|(.{0,20}\n){0,4}",
            path in "[a-c]{1,3}(/[a-c.]{1,4}){0,4}",
        ) {
            let Ok(rules) = Rules::parse(".amlignore".into(), &text) else {
                return Ok(());
            };
            let verdict = rules.verdict(Verdict::default(), Utf8Path::new(&path), false);
            let again = rules.verdict(Verdict::default(), Utf8Path::new(&path), false);
            proptest::prop_assert_eq!(verdict.ignored(), again.ignored());
        }
    }

    #[test]
    fn the_last_line_that_matches_a_file_or_its_folders_decides() {
        for (text, path, expected) in [
            ("", "a.py", false),
            ("*.log", "deep/down/x.log", true),
            ("# *.log\n\n", "x.log", false),
            ("/x.log", "deep/x.log", false),
            ("/x.log", "x.log", true),
            ("data/", "data/a/b.csv", true),
            ("data/", "data", false),
            ("data", "data", true),
            ("a/*.csv", "a/b/c.csv", false),
            ("a/**/*.csv", "a/b/c.csv", true),
            ("*.log\n!keep.log", "keep.log", false),
            ("!keep.log\n*.log", "keep.log", true),
            ("data/\n!data/keep.csv", "data/keep.csv", false),
            ("data/\n!data/keep.csv", "data/other.csv", true),
            ("!build/keep\nbuild/", "build/keep", true),
            ("*\n!*.py", "deep/train.py", false),
            ("*\n!*.py", "deep/data.csv", true),
            ("\u{feff}*.log\r\n", "x.log", true),
            (r"\!odd", "!odd", true),
            (".*", ".hidden", true),
        ] {
            assert_eq!(ignored(text, path), expected, "{text:?} on {path}");
        }
    }

    #[test]
    fn a_line_that_is_no_pattern_is_named() {
        let error = Rules::parse(".amlignore".into(), "ok\na{b").err();
        insta::assert_snapshot!(error.expect("refused"), @"line 2 of `.amlignore` is not a pattern: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)");
    }
}
