//! Interpreters that environments are built from: what one is, and which one to take.
//!
//! A version that was asked for is a series: `3.8.13` takes the nearest 3.8 when there is no 3.8.13,
//! since old conda files name patch releases nobody has. Looked for, in this order: the base
//! interpreter, pyenv's versions (whose shims uv cannot see through), uv's and the PATH's, and at
//! last uv's download. Where none of the series is to be had, the oldest newer one takes its place,
//! unless the operator wants a failure instead; that is never silent.

use std::env;
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::era;
use super::error::Error;
use super::log::{BuildLog, tail};
use super::uv::{Call, Uv};

/// The oldest Python that the SDK runs in.
pub(super) const SDK_RUNS_FROM: (u32, u32) = (3, 6);

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

/// Which Python is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    /// The base interpreter.
    Base,
    /// This version if it is installed, else the base interpreter.
    Preferred(&'a str),
    /// This version.
    Version(&'a str),
}

/// The interpreter that was found, and what is to be known of it.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) interpreter: Interpreter,
    /// That it is not the one that was asked for, in one line.
    pub(super) notice: Option<String>,
    /// The day whose packages fit what was asked for, when another Python takes its place.
    pub(super) as_of: Option<String>,
}

impl From<Interpreter> for Chosen {
    fn from(interpreter: Interpreter) -> Self {
        Self {
            interpreter,
            notice: None,
            as_of: None,
        }
    }
}

/// A search for the interpreter to build from.
pub(super) struct Search<'a> {
    pub(super) base: &'a Utf8Path,
    pub(super) uv: &'a Uv,
    pub(super) log: &'a BuildLog,
    /// Whether another Python may run than the one that is asked for and not to be had.
    pub(super) fallback: bool,
}

impl Search<'_> {
    /// The interpreter to build from.
    pub(super) async fn choose(&self, asked: Asked<'_>) -> Result<Chosen, Error> {
        let Some((version, firmly)) = asked.version() else {
            return Ok(Interpreter::inspect(self.base).await?.into());
        };
        if let Some(found) = self.installed_of(version).await? {
            return self.of_series(found, version, firmly);
        }
        if !firmly {
            let base = Interpreter::inspect(self.base).await?;
            self.log.note(format!(
                "Python {version} is not installed; the submitting {} is taken",
                base.version
            ))?;
            return Ok(base.into());
        }
        match self.install(series(version)).await? {
            Ok(found) => self.of_series(found, version, firmly),
            Err(words) => self.replace(version, words).await,
        }
    }

    /// An interpreter of a series that is installed or can be; `None` if it is not to be had.
    pub(super) async fn of(&self, series: &str) -> Result<Option<Interpreter>, Error> {
        match self.installed_of(series).await? {
            Some(found) => Ok(Some(found)),
            None => Ok(self.install(series).await?.ok()),
        }
    }

    fn of_series(&self, found: Interpreter, asked: &str, firmly: bool) -> Result<Chosen, Error> {
        if !is_numeric(asked) || is_release_of(&found.version, asked) {
            return Ok(found.into());
        }
        let notice = format!(
            "Python {asked} is asked for; {} runs, the nearest release of it that is installed",
            found.version
        );
        self.log.note(&notice)?;
        Ok(Chosen {
            notice: firmly.then_some(notice),
            ..found.into()
        })
    }

    /// Another Python instead of one that nobody has: the oldest that is newer, else the newest.
    async fn replace(&self, asked: &str, words: String) -> Result<Chosen, Error> {
        let all = self.all().await;
        let Some(found) = replacement(asked, &all).filter(|_| self.fallback) else {
            let mut found: Vec<String> = all.into_iter().map(|each| each.version).collect();
            found.dedup();
            return Err(Error::NoPython {
                asked: asked.to_owned(),
                found,
                words,
            });
        };
        let notice = format!(
            "Python {asked} is asked for and not installed; {} runs instead",
            found.version
        );
        self.log.note(&notice)?;
        let as_of = era::packages_as_of(asked, &found.version).map(str::to_owned);
        Ok(Chosen {
            notice: Some(notice),
            as_of,
            ..found.clone().into()
        })
    }

    /// An installed interpreter of the series of `asked`, of the release that is nearest to it.
    async fn installed_of(&self, asked: &str) -> Result<Option<Interpreter>, Error> {
        if !is_numeric(asked) {
            let find = [
                "python",
                "find",
                "--no-project",
                "--no-python-downloads",
                asked,
            ];
            return Ok(match self.run(&find).await {
                Ok(found) => Interpreter::inspect(Utf8Path::new(found.trim())).await.ok(),
                Err(_) => None,
            });
        }
        let series = series(asked);
        let mut candidates = vec![self.base.to_owned()];
        candidates.extend(pyenv_versions(series).into_iter().map(|(_, python)| python));
        let mut found = working(&candidates, series).await;
        if !found.iter().any(|each| is_release_of(&each.version, asked)) {
            found.extend(working(&self.listed(Some(series)).await, series).await);
        }
        // The first of equals: the base interpreter before all others.
        Ok(found
            .into_iter()
            .min_by_key(|each| distance(&each.version, asked)))
    }

    /// Every interpreter that is installed, oldest first.
    async fn all(&self) -> Vec<Interpreter> {
        let mut candidates = vec![self.base.to_owned()];
        candidates.extend(pyenv_versions("3").into_iter().map(|(_, python)| python));
        candidates.extend(self.listed(None).await);
        let mut found = working(&candidates, "3").await;
        found.sort_by_key(|each| order(&each.version));
        found
    }

    /// What uv downloads for a series, or its words why it cannot.
    async fn install(&self, series: &str) -> Result<Result<Interpreter, String>, Error> {
        match self.run(&["python", "install", "--no-bin", series]).await {
            Ok(_) => {}
            Err(Error::Uv { words, .. }) => return Ok(Err(words)),
            Err(err) => return Err(err),
        }
        let find = [
            "python",
            "find",
            "--no-project",
            "--no-python-downloads",
            series,
        ];
        let found = self.run(&find).await?;
        Interpreter::inspect(Utf8Path::new(found.trim()))
            .await
            .map(Ok)
    }

    /// The interpreters that uv knows on this machine; what cannot be listed is left out.
    async fn listed(&self, series: Option<&str>) -> Vec<Utf8PathBuf> {
        #[derive(Deserialize)]
        struct Listed {
            path: Option<Utf8PathBuf>,
        }
        let mut list = vec![
            "python",
            "list",
            "--only-installed",
            "--output-format",
            "json",
        ];
        list.extend(series);
        let text = self.run(&list).await.unwrap_or_default();
        let listed: Vec<Listed> = serde_json::from_str(&text).unwrap_or_default();
        listed.into_iter().filter_map(|each| each.path).collect()
    }

    async fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        let call = Call {
            arguments,
            log: self.log,
            stdin: Stdio::null(),
        };
        self.uv.run(call).await
    }
}

impl<'a> Asked<'a> {
    /// The version, and whether nothing else will do.
    fn version(self) -> Option<(&'a str, bool)> {
        let (version, firmly) = match self {
            Self::Base => return None,
            Self::Preferred(version) => (version, false),
            Self::Version(version) => (version, true),
        };
        let version = version.trim_start_matches(['=', ' ']).trim_end();
        Some((version.trim_end_matches(['*', '.']), firmly))
    }
}

/// Those of the candidates that work and are of a series; one that does not work is none.
async fn working(candidates: &[Utf8PathBuf], series: &str) -> Vec<Interpreter> {
    let mut found = Vec::new();
    for python in candidates {
        if let Ok(interpreter) = Interpreter::inspect(python).await
            && is_release_of(&interpreter.version, series)
        {
            found.push(interpreter);
        }
    }
    found
}

/// The interpreter that runs what was written for `asked`, among those that are installed, oldest
/// first: the newest release of the oldest series that is newer and that the SDK runs in, or else the
/// newest of all.
fn replacement<'a>(asked: &str, installed: &'a [Interpreter]) -> Option<&'a Interpreter> {
    let asked = era::series(asked)?;
    let series_of = |each: &Interpreter| era::series(&each.version).unwrap_or_default();
    let fit = |each: &&Interpreter| series_of(each) >= asked.max(SDK_RUNS_FROM);
    let Some(oldest) = installed.iter().find(fit) else {
        return installed
            .last()
            .filter(|each| series_of(each) >= SDK_RUNS_FROM);
    };
    let same = |each: &&Interpreter| series_of(each) == series_of(oldest);
    installed.iter().rfind(same)
}

/// How far a release is from the one that is asked for; of two as far, the newer is nearer.
fn distance(version: &str, asked: &str) -> (u32, bool, std::cmp::Reverse<u32>) {
    let patch = |version: &str| order(version).get(2).copied();
    let has = patch(version).unwrap_or_default();
    match patch(asked) {
        Some(asked) => (has.abs_diff(asked), has < asked, std::cmp::Reverse(has)),
        None => (0, false, std::cmp::Reverse(0)),
    }
}

/// Whether this is a version by numbers alone, such as `3.8`, and no condition for uv to read.
fn is_numeric(asked: &str) -> bool {
    !asked.is_empty() && asked.chars().all(|c| c.is_ascii_digit() || c == '.')
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

    fn installed(versions: &[&str]) -> Vec<Interpreter> {
        let interpreter = |version: &&str| Interpreter {
            python: "/python".into(),
            version: (*version).to_owned(),
            build: String::new(),
        };
        versions.iter().map(interpreter).collect()
    }

    #[test]
    fn the_oldest_python_that_is_newer_takes_the_place_of_one_that_is_not_there() {
        let all = installed(&["3.5.9", "3.8.2", "3.8.18", "3.11.7"]);
        let taken = |asked| replacement(asked, &all).map(|each| each.version.as_str());
        assert_eq!(taken("3.6.2"), Some("3.8.18"));
        assert_eq!(taken("2.7"), Some("3.8.18"));
        assert_eq!(taken("3.9"), Some("3.11.7"));
        assert_eq!(taken("3.99"), Some("3.11.7"));
        assert_eq!(replacement("3.6", &installed(&["3.5.9"])), None);
    }

    #[test]
    fn the_nearest_release_of_a_series_is_taken() {
        let nearest = |asked: &str, versions: &[&str]| {
            let found = installed(versions);
            let nearest = found
                .into_iter()
                .min_by_key(|each| distance(&each.version, asked));
            nearest.map(|each| each.version).unwrap_or_default()
        };
        assert_eq!(
            nearest("3.10.18", &["3.10.2", "3.10.13", "3.10.1"]),
            "3.10.13"
        );
        assert_eq!(nearest("3.10.5", &["3.10.4", "3.10.6"]), "3.10.6");
        assert_eq!(nearest("3.10", &["3.10.4", "3.10.6"]), "3.10.4");
    }
}
