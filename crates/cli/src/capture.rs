//! What a program would submit, without submitting it: the program is run up to its first
//! submission, and the SDK writes that to a file and ends the program.

use std::io;
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use camino::Utf8Path;
use stepwell_api::SubmitRun;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Context;
use crate::{commands, python};

/// The environment variable that makes the SDK write what it would submit to a file, and end.
const CAPTURE: &str = "STEPWELL_CAPTURE";

/// The environment variable that makes a captured submission have true snapshots.
const SNAPSHOTS: &str = "STEPWELL_CAPTURE_SNAPSHOTS";

/// Whether the source directories of a captured submission are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Snapshots {
    /// Their digests do not matter.
    Leave,
    /// They are stored, and their digests are true.
    Take,
}

/// Runs a program up to its first submission.
pub(crate) fn capture(
    program: &Utf8Path,
    args: &[String],
    context: &Context,
    snapshots: Snapshots,
) -> Result<SubmitRun, Failure> {
    if !program.is_file() {
        let message = format!("there is no file `{program}`");
        let hint = "give the path of a Python program";
        return Err(Failure::new(Exit::NotFound, message, hint));
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("submission.json");
    let mut command = Command::new(python::find()?);
    command
        .arg(program)
        .args(args)
        .env(CAPTURE, &file)
        .envs(commands::run::environment(context)?);
    if snapshots == Snapshots::Take {
        command.env(SNAPSHOTS, "1");
    }
    // Standard output is for the answer.
    let status = command
        .stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?))
        .status()?;
    let Ok(text) = std::fs::read(&file) else {
        let message = format!("`{program}` ended without submitting a pipeline ({status})");
        let hint = if status.success() {
            "the program has to call `Experiment.submit` or `Pipeline.submit`"
        } else {
            "what the program says is above"
        };
        return Err(Failure::new(Exit::Failed, message, hint));
    };
    serde_json::from_slice(&text).map_err(|error| {
        let message = format!("cannot read what `{program}` would submit: {error}");
        let hint = "use the same version of the SDK and of `stepwell`";
        Failure::new(Exit::Failed, message, hint)
    })
}
