//! Stepwell's own workers: the programs that do the steps which are no program of the user's, and
//! how each is started.
//!
//! A worker is an ordinary process under the ordinary supervisor. What it can count on is written
//! down in CONTRIBUTING.md, "How to add a step kind".

use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use stepwell_model::{Failure, FailureKind, Spread};

use crate::Prepared;

/// Which program does a native step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worker {
    /// A hidden command of the `stepwell` program.
    Command(String),
    /// A hidden command of the `stepwell` program that starts processes of its own.
    Driver {
        /// The command.
        command: String,
        /// The script of the user's that its processes import, in the step's Python.
        script: String,
        /// Over how many nodes they are spread, where the target can do that.
        #[serde(default)]
        spread: Option<Spread>,
    },
    /// A program that is installed beside `stepwell`, such as `stepwell-transfer`; one on the
    /// `PATH` will do.
    Sibling(String),
    /// A Python module, run by the interpreter of the step's environment.
    Module(String),
}

/// What a worker is found by.
pub(crate) struct Surroundings<'a> {
    /// The `stepwell` program.
    pub(crate) stepwell: &'a Utf8Path,
    /// The step's environment, if it has one.
    pub(crate) prepared: Option<&'a Prepared>,
    /// The `PATH`, as text.
    pub(crate) path: &'a str,
    /// What places the processes of a driver on the nodes of its job; `None` if all are here.
    pub(crate) placed_by: Option<&'static str>,
}

impl Worker {
    /// The command line that starts it.
    ///
    /// # Errors
    /// When there is no such program, or no Python to run it.
    pub(crate) fn command_line(&self, around: &Surroundings<'_>) -> Result<Vec<String>, Failure> {
        Ok(match self {
            Self::Command(name) => vec![around.stepwell.to_string(), name.clone()],
            Self::Driver { command, .. } => {
                let mut line = vec![around.stepwell.to_string(), command.clone()];
                let placed_by = around.placed_by.into_iter();
                line.extend(placed_by.flat_map(|by| ["--placed-by".to_owned(), by.to_owned()]));
                line
            }
            Self::Sibling(name) => vec![sibling(name, around)?.into_string()],
            Self::Module(name) => {
                let prepared = around.prepared.ok_or_else(|| {
                    let summary = format!("`python -m {name}` needs an environment to run in");
                    Failure::new(FailureKind::Internal, summary)
                })?;
                let python = prepared.python.to_string();
                vec![python, "-m".to_owned(), name.clone()]
            }
        })
    }
}

fn sibling(name: &str, around: &Surroundings<'_>) -> Result<Utf8PathBuf, Failure> {
    let beside = around.stepwell.parent().map(Utf8Path::to_owned);
    let on_path = around.path.split(':').filter(|folder| !folder.is_empty());
    let folders = beside.into_iter().chain(on_path.map(Utf8PathBuf::from));
    let mut found = folders.map(|folder| folder.join(name));
    found.find(|path| is_executable(path)).ok_or_else(|| {
        let summary = format!("the program `{name}`, which does this step, is not installed");
        let hint = format!(
            "`pip install {name}` installs it beside `{}`; in a checkout, `pip install ./crates/{}`",
            around.stepwell,
            name.trim_start_matches("stepwell-")
        );
        Failure::new(FailureKind::Environment, summary).with_hint(hint)
    })
}

fn is_executable(path: &Utf8Path) -> bool {
    let about = std::fs::metadata(path);
    about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around<'a>(stepwell: &'a Utf8Path, path: &'a str) -> Surroundings<'a> {
        Surroundings {
            stepwell,
            prepared: None,
            path,
            placed_by: None,
        }
    }

    #[test]
    fn a_sibling_is_found_beside_stepwell_then_on_the_path_and_else_refused() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let (bin, other) = (folder.join("bin"), folder.join("other"));
        let stepwell = bin.join("stepwell");
        let worker = Worker::Sibling("stepwell-transfer".to_owned());
        for place in [&bin, &other] {
            fs_err::create_dir(place).expect("a folder");
        }
        let missing = worker.command_line(&around(&stepwell, other.as_str()));
        let missing = missing.expect_err("it is nowhere");
        assert_eq!(missing.kind, FailureKind::Environment);
        assert!(
            missing.hint.contains("pip install ./crates/transfer"),
            "{missing:?}"
        );
        for place in [&other, &bin] {
            let program = place.join("stepwell-transfer");
            fs_err::write(&program, "").expect("a file");
            let not_yet = worker.command_line(&around(&stepwell, other.as_str()));
            assert!(not_yet.is_err() || *place == bin, "it is not executable");
            let mode = std::fs::Permissions::from_mode(0o755);
            fs_err::set_permissions(&program, mode).expect("a mode");
            let found = worker.command_line(&around(&stepwell, other.as_str()));
            assert_eq!(found, Ok(vec![program.into_string()]));
        }
    }

    #[test]
    fn a_module_runs_in_the_steps_environment() {
        let prepared = Prepared {
            python: "/env/bin/python".into(),
            bin: None,
            notice: None,
        };
        let around = Surroundings {
            stepwell: "/bin/stepwell".into(),
            prepared: Some(&prepared),
            path: "",
            placed_by: Some("slurm"),
        };
        let module = Worker::Module("stepwell._spark".to_owned());
        let line = module.command_line(&around).expect("a command line");
        assert_eq!(line, ["/env/bin/python", "-m", "stepwell._spark"]);
        let command = Worker::Command("drive-parallel".to_owned());
        let line = command.command_line(&around).expect("a command line");
        assert_eq!(line, ["/bin/stepwell", "drive-parallel"]);
        let driver = Worker::Driver {
            command: "drive-parallel".to_owned(),
            script: "score.py".to_owned(),
            spread: None,
        };
        let line = driver.command_line(&around).expect("a command line");
        assert_eq!(
            line,
            ["/bin/stepwell", "drive-parallel", "--placed-by", "slurm"]
        );
    }
}
