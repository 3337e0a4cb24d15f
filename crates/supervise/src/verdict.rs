//! How an attempt ended, in words: from a wait status and its cause to an outcome.
//!
//! Pure: it reads neither processes nor files.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use stepwell_model::{Failure, FailureKind, Outcome, Usage, in_words};

use crate::program::Cause;
use crate::spec::Spec;
use crate::view::ViewError;

/// The longest text of a reported failure, in bytes: it is stored with the run.
const REPORTED_MAX: usize = 16 << 10;

/// What a program of the user's is called.
const SCRIPT: &str = "the script";

/// The outcome of a program that ran. What it `reported` of its failure is asked for only if it
/// ended badly by itself, and the `excerpt` of its log if that does not say more.
pub(crate) fn of_end(
    spec: &Spec,
    cause: Cause,
    status: ExitStatus,
    mut usage: Usage,
    reported: impl FnOnce() -> Option<Failure>,
    excerpt: impl FnOnce() -> String,
) -> Outcome {
    usage.exit_code = status.code();
    usage.signal = status.signal();
    let failure = match (cause, status.code(), status.signal()) {
        (Cause::Stopped, ..) => return Outcome::Cancelled(usage),
        (Cause::TimedOut, ..) => timed_out(spec),
        (Cause::Itself, Some(0), _) => return Outcome::Succeeded(usage),
        (Cause::Itself, Some(code), _) => reported().unwrap_or_else(|| exited(spec, code)),
        (Cause::Itself, None, signal) => {
            let said = spec.several.as_ref().and_then(|_| reported());
            said.unwrap_or_else(|| signalled(SCRIPT, signal.unwrap_or_default(), &usage))
        }
    };
    let failure = match failure.detail.is_empty() {
        true => failure.with_detail(excerpt()),
        false => failure,
    };
    Outcome::Failed(failure, usage)
}

/// A worker of Stepwell's own that reports nothing is no script of the user's.
fn exited(spec: &Spec, code: i32) -> Failure {
    let what = match (&spec.failure, &spec.several) {
        (None, _) => SCRIPT,
        (Some(_), Some(_)) => "the launcher of the step's processes",
        (Some(_), None) => "the step's worker",
    };
    with_status(what, code)
}

fn with_status(what: &str, code: i32) -> Failure {
    Failure::new(
        FailureKind::UserCode,
        format!("{what} exited with status {code}"),
    )
}

/// The failure of one process of several.
pub(crate) fn of_process(
    who: &str,
    code: Option<i32>,
    signal: Option<i32>,
    usage: &Usage,
) -> Failure {
    match code {
        Some(code) => with_status(who, code),
        None => signalled(who, signal.unwrap_or_default(), usage),
    }
}

/// The failure in the text that a worker has written; `None` when it is none.
pub(crate) fn reported(text: &[u8]) -> Option<Failure> {
    let mut failure: Failure = serde_json::from_slice(text).ok()?;
    for text in [&mut failure.summary, &mut failure.detail, &mut failure.hint] {
        text.truncate(text.floor_char_boundary(REPORTED_MAX));
    }
    Some(failure).filter(|failure| !failure.summary.is_empty())
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
        .with_hint(match spec.view {
            None => "a file that is a command needs the executable bit: `chmod +x`",
            Some(_) => {
                "it needs the executable bit, and on an isolated target it must be in a folder that \
                 steps can read: see `isolation` of the target"
            }
        }),
        _ => Failure::new(
            FailureKind::Environment,
            format!("the program `{program}` could not be started: {error}"),
        ),
    }
}

/// The failure of a step that is to be isolated and cannot be.
pub(crate) fn of_no_view(error: &ViewError) -> Failure {
    let summary = "the step's target is isolated, and the step could not be".to_owned();
    Failure::new(FailureKind::Environment, summary)
        .with_detail(in_words(error))
        .with_hint("isolation needs Linux 6.2 or newer with Landlock; see docs/access.md")
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

fn signalled(what: &str, number: i32, usage: &Usage) -> Failure {
    let name = Signal::try_from(number).map_or_else(
        |_| format!("signal {number}"),
        |signal| signal.as_str().to_owned(),
    );
    let failure = Failure::new(FailureKind::Signal, format!("{what} was ended by {name}"));
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
        let failure = signalled(SCRIPT, 9, &usage);
        insta::assert_snapshot!(format!("{}\n{}", failure.summary, failure.hint), @r"
        the script was ended by SIGKILL
        the system's out-of-memory killer ends programs this way; the largest process of the step used 1501 MB
        ");
        assert_eq!(
            signalled(SCRIPT, 35, &usage).summary,
            "the script was ended by signal 35"
        );
    }

    #[test]
    fn what_a_worker_reports_is_bounded_and_needs_a_summary() {
        let long = "ü".repeat(REPORTED_MAX);
        let text = serde_json::json!({"kind": "storage", "summary": "s", "detail": long});
        let failure = reported(text.to_string().as_bytes()).expect("a failure");
        assert_eq!(failure.kind, FailureKind::Storage);
        assert_eq!(failure.detail.len(), REPORTED_MAX);
        for text in [
            "",
            "[]",
            r#"{"kind": "storage"}"#,
            r#"{"kind": "x", "summary": "s"}"#,
        ] {
            assert_eq!(reported(text.as_bytes()), None, "{text}");
        }
        let empty = r#"{"kind": "storage", "summary": ""}"#;
        assert_eq!(reported(empty.as_bytes()), None);
    }
}
