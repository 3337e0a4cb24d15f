//! What a supervisor is to do: the form of `spec.json` in an [attempt folder](crate::Attempt).
//!
//! Servers and supervisors of other versions read it: fields are added with defaults, never changed.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use stepwell_model::{AttemptId, Digest, Distribution};

use crate::view::View;

/// What the supervisor is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Which try of which step.
    pub attempt: AttemptId,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Environment variables, on top of those the supervisor has itself.
    pub variables: BTreeMap<String, String>,
    /// The folder that the program runs in. It is made, or taken over from an earlier step, and
    /// removed, or kept for a later one.
    pub work_dir: Utf8PathBuf,
    /// The run's files: `outputs/` and `logs/` are collected here.
    pub files_dir: Utf8PathBuf,
    /// The file that takes all the program prints.
    pub log: Utf8PathBuf,
    /// The root of the content-addressed store.
    pub objects: Utf8PathBuf,
    /// The files of the working folder; `None` for an empty one.
    pub snapshot: Option<Digest>,
    /// What the program finds in its working folder beside the snapshot.
    #[serde(default)]
    pub inputs: Vec<InputPlace>,
    /// Where its outputs are kept.
    #[serde(default)]
    pub outputs: Vec<OutputPlace>,
    /// The longest the program may run, in seconds; `None` for no limit.
    #[serde(default)]
    pub timeout_s: Option<u64>,
    /// How long the program may take to stop when asked, in milliseconds.
    pub grace_ms: u64,
    /// The file in which the program may say why it ends badly; `None` for a program of the
    /// user's, whose log says it.
    #[serde(default)]
    pub failure: Option<Utf8PathBuf>,
    /// The processes of the program, if it is several.
    #[serde(default)]
    pub several: Option<Several>,
    /// Whether the program may start in an interpreter that is loaded already.
    #[serde(default)]
    pub warm: Warm,
    /// Modules that such an interpreter loads, beside those that the script was seen to import.
    #[serde(default)]
    pub warm_imports: Vec<String>,
    /// The processes that the program, which drives them, starts in Python; `None` if it starts none
    /// that may start in an interpreter that is loaded already.
    #[serde(default)]
    pub workers: Option<Workers>,
    /// What the program sees of the file system; `None` for all that the user does.
    #[serde(default)]
    pub view: Option<View>,
    /// How the supervisor is to write down what becomes of the attempt.
    #[serde(default)]
    pub record: RecordForm,
}

/// How what becomes of an attempt is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordForm {
    /// As a file for each thing, as servers read it that do not know of another form: a program may be
    /// replaced by that of a newer version while the server still runs.
    #[default]
    Files,
    /// As lines that are added to the claim.
    Lines,
}

/// The processes of a program that drives them, if they may start warm. It is they, and not the program,
/// that [`Spec::warm`] speaks of then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workers {
    /// Their interpreter.
    pub python: String,
    /// The script of the user's that they import, relative to the working folder.
    pub script: String,
    /// The program of Stepwell's that such a process runs, when it is a fork.
    pub program: String,
}

/// The processes of a program that is several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Several {
    /// How they find each other.
    pub distribution: Distribution,
    /// On how many nodes.
    pub nodes: u32,
    /// How many on each, but for those that serve parameters.
    pub processes_per_node: u32,
    /// Where the nodes are.
    pub launcher: Launcher,
    /// The kind of MPI of a cluster; `None` for the usual one.
    #[serde(default)]
    pub mpi: Option<String>,
    /// The folder for the logs of all processes but the first.
    pub logs: Utf8PathBuf,
    /// Whether variables in the command line are filled in for each process.
    pub expands: bool,
}

/// Where the nodes of several processes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Launcher {
    /// All are this machine.
    Here,
    /// They are those of the job of Slurm's that the supervisor is part of.
    Slurm,
    /// They are reserved on a Ray cluster, by the job that the supervisor is part of.
    Ray,
}

/// How a program may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warm {
    /// As a process that loads everything itself.
    Cold {
        /// Why, as a fragment of a sentence.
        reason: String,
    },
    /// As a fork of a loaded interpreter, if there is one that fits.
    Allowed,
}

impl Spec {
    /// The interpreter that may be loaded ahead for the step, and the script that it will run.
    pub(crate) fn interpreted(&self) -> Option<(&str, &str)> {
        if let Some(workers) = &self.workers {
            return Some((&workers.python, &workers.script));
        }
        match self.argv.as_slice() {
            [python, script, ..] if !script.starts_with('-') => Some((python, script)),
            _ => None,
        }
    }
}

impl Default for Warm {
    fn default() -> Self {
        Self::Cold {
            reason: "whoever staged it knows no other start".to_owned(),
        }
    }
}

/// Data that the program finds in its working folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPlace {
    /// Its absolute path.
    pub from: Utf8PathBuf,
    /// Where the program finds it, relative to its working folder.
    pub to: String,
    /// Whether it is copied, so that the program may write to it. If not, it is linked.
    #[serde(default)]
    pub copy: bool,
}

/// Where one output is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPlace {
    /// Its absolute path.
    pub path: Utf8PathBuf,
    /// Whether it is the root of a datastore, which is never replaced or removed.
    #[serde(default)]
    pub is_root: bool,
    /// Whether the folder is made before the program starts; if not, only its parent is.
    #[serde(default)]
    pub make_folder: bool,
    /// What the program writes instead, relative to its working folder, to be moved to `path` when
    /// it has succeeded.
    #[serde(default)]
    pub upload_from: Option<String>,
    /// What the program writes instead, as an absolute path, to be moved to `path` when it has
    /// succeeded, and removed when it has not.
    #[serde(default)]
    pub staged: Option<Utf8PathBuf>,
    /// Whether an upload must not replace files that are there.
    #[serde(default)]
    pub keep_existing: bool,
    /// Patterns of the files that are uploaded; all when there is none.
    #[serde(default)]
    pub source_globs: Vec<String>,
}
