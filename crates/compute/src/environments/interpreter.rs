//! Interpreters that environments are built from: what one is, and which one to take.
//!
//! A version that was asked for is a series: `3.8.13` takes any 3.8 when there is no 3.8.13, since
//! old conda files name patch releases nobody has. Another series is never taken silently: when uv
//! cannot get it the build fails, unless the user set the fallback. Looked for, in this order: the
//! base interpreter, pyenv's versions (whose shims uv cannot see through), uv's and the PATH's, and
//! at last uv's download.

use std::env;
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::error::Error;
use super::log::{BuildLog, tail};
use super::uv::{Call, Uv};

/// What an interpreter says about itself; enough to know whether packages fit it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Interpreter {
    /// The program, outside of any virtual environment where it can tell.
    pub(super) python: Utf8PathBuf,
    /// The version in full.
    pub(super) version: String,
    /// Implementation, platform and installation prefix.
    pub(super) build: String,
}

/// Prints the three fields, each on a line.
const ASK: &str = "
import platform, sys, sysconfig
print(getattr(sys, '_base_executable', None) or sys.executable)
print(platform.python_version())
print(sys.implementation.name, sysconfig.get_platform(), sys.base_prefix)
";

impl Interpreter {
    /// Asks `python` what it is.
    pub(super) async fn inspect(python: &Utf8Path) -> Result<Self, Error> {
        let unusable = |words: String| Error::Interpreter {
            python: python.to_owned(),
            words,
        };
        // Isolated and without site: quicker, and no `.pth` file can print into the answer.
        let output = Command::new(python)
            .args(["-I", "-S", "-c", ASK])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|err| unusable(err.to_string()))?;
        if !output.status.success() {
            return Err(unusable(tail(&String::from_utf8_lossy(&output.stderr))));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        match text.lines().collect::<Vec<_>>()[..] {
            [program, version, build] => Ok(Self {
                python: program.into(),
                version: version.to_owned(),
                build: build.to_owned(),
            }),
            _ => Err(unusable(format!("unexpected answer: {}", tail(&text)))),
        }
    }

    /// The text that tells it from interpreters that other packages fit.
    pub(super) fn identity(&self) -> String {
        format!("{} {}", self.version, self.build)
    }
}

/// A search for the interpreter to build from.
pub(super) struct Search<'a> {
    pub(super) base: &'a Utf8Path,
    pub(super) uv: &'a Uv,
    pub(super) log: &'a BuildLog,
    /// Whether the base interpreter may stand in for a version that is not to be had.
    pub(super) fallback: bool,
}

impl Search<'_> {
    /// The interpreter for the version `asked`, or the base interpreter when none is.
    pub(super) async fn choose(&self, asked: Option<&str>) -> Result<Interpreter, Error> {
        let Some(asked) = asked else {
            return Interpreter::inspect(self.base).await;
        };
        let asked = asked.trim_start_matches(['=', ' ']).trim_end_matches(".*");
        let refused = match self.find(asked).await? {
            Ok(found) => {
                if !is_release_of(&found.version, asked) {
                    self.log.note(format!(
                        "Python {asked} is asked for; {} is taken, of the same series",
                        found.version
                    ))?;
                }
                return Ok(found);
            }
            Err(refused) => refused,
        };
        if self.fallback {
            let base = Interpreter::inspect(self.base).await?;
            self.log.note(format!(
                "Python {asked} is asked for but not to be had; {} is taken, since \
                 STEPWELL_PYTHON_FALLBACK is set",
                base.version
            ))?;
            return Ok(base);
        }
        Err(Error::NoPython {
            asked: asked.to_owned(),
            found: self.installed().await,
            words: refused,
        })
    }

    /// An interpreter of the series of `asked`, or uv's words why there is none.
    async fn find(&self, asked: &str) -> Result<Result<Interpreter, String>, Error> {
        let series = series(asked);
        let mut candidates = vec![self.base.to_owned()];
        candidates.extend(pyenv_versions(series).into_iter().map(|(_, python)| python));
        let mut of_series = Vec::new();
        for python in candidates {
            // One that does not work is no candidate.
            if let Ok(found) = Interpreter::inspect(&python).await
                && is_release_of(&found.version, series)
            {
                if is_release_of(&found.version, asked) {
                    return Ok(Ok(found));
                }
                of_series.push(found);
            }
        }
        match of_series.into_iter().next() {
            Some(found) => Ok(Ok(found)),
            None => self.find_with_uv(series).await,
        }
    }

    async fn find_with_uv(&self, series: &str) -> Result<Result<Interpreter, String>, Error> {
        let find = [
            "python",
            "find",
            "--no-project",
            "--no-python-downloads",
            series,
        ];
        let found = match self.run(&find).await {
            Ok(found) => found,
            Err(_) => match self.run(&["python", "install", "--no-bin", series]).await {
                Ok(_) => self.run(&find).await?,
                Err(Error::Uv { words, .. }) => return Ok(Err(words)),
                Err(err) => return Err(err),
            },
        };
        Interpreter::inspect(Utf8Path::new(found.trim()))
            .await
            .map(Ok)
    }

    async fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        let call = Call {
            arguments,
            log: self.log,
            stdin: Stdio::null(),
        };
        self.uv.run(call).await
    }

    /// Versions that could be asked for, for a hint: what cannot be listed is left out.
    async fn installed(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Listed {
            version: String,
        }
        let list = [
            "python",
            "list",
            "--only-installed",
            "--output-format",
            "json",
        ];
        let text = self.run(&list).await.unwrap_or_default();
        let listed: Vec<Listed> = serde_json::from_str(&text).unwrap_or_default();
        let mut versions: Vec<String> = listed.into_iter().map(|listed| listed.version).collect();
        versions.extend(pyenv_versions("3").into_iter().map(|(version, _)| version));
        versions.extend(
            Interpreter::inspect(self.base)
                .await
                .map(|base| base.version),
        );
        versions.sort_by_key(|version| order(version));
        versions.dedup();
        versions
    }
}

/// The versions of `series` that pyenv has built, newest first.
fn pyenv_versions(series: &str) -> Vec<(String, Utf8PathBuf)> {
    let root = env::var("PYENV_ROOT")
        .map(Utf8PathBuf::from)
        .or_else(|_| env::var("HOME").map(|home| Utf8Path::new(&home).join(".pyenv")));
    let Ok(entries) = root.map(|root| root.join("versions").read_dir_utf8()) else {
        return Vec::new();
    };
    let mut versions: Vec<_> = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            (
                entry.file_name().to_owned(),
                entry.path().join("bin/python"),
            )
        })
        .filter(|(version, python)| is_release_of(version, series) && python.exists())
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(order(version)));
    versions
}

/// `3.8` of `3.8.13`; anything else is left as it is, for uv to understand.
fn series(asked: &str) -> &str {
    match asked.match_indices('.').nth(1) {
        Some((second_dot, _)) => &asked[..second_dot],
        None => asked,
    }
}

/// Whether `version` is `asked` or one of its releases: `3.11.7` is of `3.11`, `3.1` is not.
fn is_release_of(version: &str, asked: &str) -> bool {
    version
        .strip_prefix(asked)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn order(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_of_a_series_by_whole_numbers() {
        assert_eq!(series("3.6.2"), "3.6");
        assert_eq!(series("3.6"), "3.6");
        assert_eq!(series(">=3.6"), ">=3.6");
        assert!(is_release_of("3.11.7", series("3.11.2")));
        assert!(is_release_of("3.11.7", "3"));
        assert!(!is_release_of("3.11.7", "3.1"));
        assert!(order("3.9.1") < order("3.10.0"));
    }
}
