//! How an attempt ended, in words: from a wait status and its cause to an outcome.
//!
//! Pure: it reads neither processes nor files.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use stepwell_model::{Failure, FailureKind, Outcome, Usage};

use crate::folder::Spec;
use crate::program::Cause;

/// The outcome of a program that ran; `excerpt` is asked for only if it failed by itself.
pub(crate) fn of_end(
    spec: &Spec,
    cause: Cause,
    status: ExitStatus,
    mut usage: Usage,
    excerpt: impl FnOnce() -> String,
) -> Outcome {
    usage.exit_code = status.code();
    usage.signal = status.signal();
    let failure = match (cause, status.code(), status.signal()) {
        (Cause::Stopped, ..) => return Outcome::Cancelled(usage),
        (Cause::TimedOut, ..) => timed_out(spec),
        (Cause::Itself, Some(0), _) => return Outcome::Succeeded(usage),
        (Cause::Itself, Some(code), _) => Failure::new(
            FailureKind::UserCode,
            format!("the script exited with status {code}"),
        ),
        (Cause::Itself, None, signal) => signalled(signal.unwrap_or_default(), &usage),
    };
    Outcome::Failed(failure.with_detail(excerpt()), usage)
}

/// The failure of a program that could not be started.
pub(crate) fn of_refusal(spec: &Spec, error: &io::Error) -> Failure {
    let program = spec.argv.first().map_or("", String::as_str);
    match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            FailureKind::Environment,
            format!("the program `{program}` was not found"),
        )
        .with_hint("it must be a path of this machine, or on the PATH of the step's environment"),
        io::ErrorKind::PermissionDenied => Failure::new(
            FailureKind::Environment,
            format!("the program `{program}` must not be executed: permission denied"),
        )
        .with_hint("a file that is a command needs the executable bit: `chmod +x`"),
        _ => Failure::new(
            FailureKind::Environment,
            format!("the program `{program}` could not be started: {error}"),
        ),
    }
}

fn timed_out(spec: &Spec) -> Failure {
    let limit = spec.timeout_s.unwrap_or_default();
    let unit = if limit == 1 { "second" } else { "seconds" };
    Failure::new(
        FailureKind::Timeout,
        format!("the step ran longer than its limit of {limit} {unit}"),
    )
    .with_hint("raise the step's timeout, or make it do less")
}

fn signalled(number: i32, usage: &Usage) -> Failure {
    let name = Signal::try_from(number).map_or_else(
        |_| format!("signal {number}"),
        |signal| signal.as_str().to_owned(),
    );
    let failure = Failure::new(
        FailureKind::Signal,
        format!("the script was ended by {name}"),
    );
    match name.as_str() {
        "SIGKILL" => failure.with_hint(format!(
            "the system's out-of-memory killer ends programs this way; the largest process of the \
             step used {} MB",
            usage.peak_memory_bytes.div_ceil(1_000_000)
        )),
        "SIGSEGV" | "SIGBUS" | "SIGILL" | "SIGABRT" | "SIGFPE" => {
            failure.with_hint("the fault is in native code: a Python package's extension, mostly")
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_a_kill_is_told_with_the_memory_used() {
        let usage = Usage {
            peak_memory_bytes: 1_500_000_001,
            ..Usage::default()
        };
        let failure = signalled(9, &usage);
        insta::assert_snapshot!(format!("{}\n{}", failure.summary, failure.hint), @r"
        the script was ended by SIGKILL
        the system's out-of-memory killer ends programs this way; the largest process of the step used 1501 MB
        ");
        assert_eq!(
            signalled(35, &usage).summary,
            "the script was ended by signal 35"
        );
    }
}
