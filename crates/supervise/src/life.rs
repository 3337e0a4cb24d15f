//! The life of a supervisor: steps, one after the other.
//!
//! To start a process and to load its program costs more than all a supervisor does for a short
//! step, so one that has ended its step well waits for another. Nothing passes from step to step:
//! one that has a child left, or that could not record an outcome, leaves.
//!
//! Everything up to `exit.json` happens here in order and on one thread. What a step's program
//! does is an [`Outcome`]; only what keeps the supervisor from recording one is an error.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use fs_err as fs;
use stepwell_data::cas::Cas;
use stepwell_data::snapshot;
use stepwell_model::{Failure, FailureKind, Outcome, Usage, in_words};

use crate::folder::{Attempt, Error, Spec, Started};
use crate::process::Process;
use crate::reap::{Left, Reaper};
use crate::signals::Signals;
use crate::storage::{storage_failure, told_of_full_disk};
use crate::{collect, descendants, excerpt, fetch, now, program, verdict};

/// The exit status of a supervisor that could not write down what happened (`EX_IOERR`): the disk
/// is full or gone. Its attempt counts as lost.
pub const EXIT_NOT_RECORDED: u8 = 74;
/// The exit status of a supervisor that was called wrongly (`EX_USAGE`).
const EXIT_USAGE: u8 = 64;

/// The word on standard output when the program runs; the time in milliseconds follows.
pub const NEWS_STARTED: &str = "started";
/// The word on standard output when `exit.json` is written.
pub const NEWS_ENDED: &str = "ended";
/// The word on standard output when the next step may come.
pub const NEWS_READY: &str = "ready";

/// The pauses between the tries to write `exit.json`.
const RETRY_AFTER_MS: [u64; 4] = [250, 500, 1_000, 2_000];

/// The `stepwell-supervise` program.
///
/// With an argument, it supervises the attempt of that folder. Without one it stands by: it makes
/// itself ready and takes folders from standard input, each closed by a zero byte, until there are
/// no more. So a server can have the next supervisor ready while the current step runs.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (folder, None) = (arguments.next(), arguments.next()) else {
        let _ = writeln!(io::stderr(), "usage: stepwell-supervise [ATTEMPT-FOLDER]");
        return EXIT_USAGE.into();
    };
    let ready = Ready::new();
    if let Some(folder) = folder {
        return match take(folder, &ready) {
            Ok(_) => ExitCode::SUCCESS,
            Err(status) => status,
        };
    }
    while let Some(folder) = assigned() {
        match take(folder, &ready) {
            Ok(Left::Nobody) => tell(NEWS_READY),
            Ok(Left::Somebody) => break,
            Err(status) => return status,
        }
    }
    ExitCode::SUCCESS
}

/// What a supervisor does before it knows its attempt.
struct Ready {
    signals: Signals,
    this: Process,
}

impl Ready {
    /// The signals come first: a request to stop is never taken for an order to die.
    fn new() -> io::Result<Self> {
        let signals = Signals::block()?;
        detach()?;
        let this = Process::current()?;
        Ok(Self { signals, this })
    }
}

/// The next folder that whoever started this supervisor names; `None` if it went away, or wants
/// this one to.
fn assigned() -> Option<String> {
    let mut folder = Vec::new();
    io::stdin().lock().read_until(0, &mut folder).ok()?;
    // A folder that is cut short was never assigned.
    let folder = folder.strip_suffix(&[0])?.to_vec();
    String::from_utf8(folder).ok()
}

/// Sees the attempt of a folder through; afterwards, whether a child is left.
fn take(folder: String, ready: &io::Result<Ready>) -> Result<Left, ExitCode> {
    let attempt = Attempt::open(folder);
    let notes = attempt.clone();
    std::panic::set_hook(Box::new(move |panic| notes.note(&panic.to_string())));
    let lived = match ready {
        Ok(ready) => live(&attempt, ready),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string()).into()),
    };
    lived.map_err(|error| {
        attempt.note(&in_words(&error));
        EXIT_NOT_RECORDED.into()
    })
}

fn live(attempt: &Attempt, ready: &Ready) -> Result<Left, Error> {
    let spec = attempt.spec()?;
    if !attempt.claim(ready.this.clone())? {
        // Another supervisor has it; it is the one to speak.
        return Ok(Left::Nobody);
    }
    let (outcome, left) = supervise(attempt, &spec, &ready.signals);
    record(attempt, &spec, &outcome)?;
    tell(NEWS_ENDED);
    // The outcome does not depend on it; a new attempt has a folder of its own.
    let _ = fs::remove_dir_all(&spec.work_dir);
    Ok(left)
}

/// Leaves the server's session and terminal, and adopts whatever its descendants leave behind.
fn detach() -> io::Result<()> {
    match rustix::process::setsid() {
        // Started by a shell as the leader of its group, it may stay there.
        Ok(_) | Err(rustix::io::Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

fn supervise(attempt: &Attempt, spec: &Spec, signals: &Signals) -> (Outcome, Left) {
    let never_ran = |outcome| (outcome, Left::Nobody);
    let failed = |failure| never_ran(Outcome::Failed(failure, Usage::default()));
    let log = match prepare(spec) {
        Ok(log) => log,
        Err(failure) => return failed(failure),
    };
    let log_start = log.metadata().map_or(0, |log| log.len());
    match signals.stop_asked() {
        Ok(false) => {}
        Ok(true) => return never_ran(Outcome::Cancelled(Usage::default())),
        Err(error) => return failed(internal(&error)),
    }
    let main = match program::start(spec, log) {
        Ok(main) => main,
        Err(error) => return failed(verdict::of_refusal(spec, &error)),
    };
    let mut usage = Usage {
        started: Some(now()),
        ..Usage::default()
    };
    announce(attempt, main.as_raw_nonzero().get(), &usage);
    let mut reaper = Reaper::default();
    let ended = program::wait(main, spec, signals, &mut reaper)
        .and_then(|cause| Ok((cause, descendants::end_all(main, signals, &mut reaper)?)));
    usage.ended = Some(now());
    reaper.count(&mut usage);
    let (cause, (status, left)) = match ended {
        Ok(ended) => ended,
        Err(error) => return (Outcome::Failed(internal(&error), usage), Left::Somebody),
    };
    let excerpt = || excerpt::of_log(&spec.log, log_start).unwrap_or_default();
    let outcome = verdict::of_end(spec, cause, status, usage, excerpt);
    (keep(spec, told_of_full_disk(&spec.work_dir, outcome)), left)
}

/// Makes the folders and the log.
fn prepare(spec: &Spec) -> Result<File, Failure> {
    let work = "the step's working folder could not be prepared";
    if let Some(snapshot) = &spec.snapshot {
        Cas::open(&spec.objects)
            .and_then(|cas| snapshot::materialise(&cas, snapshot, &spec.work_dir))
            .map_err(|error| storage_failure(work, &error))?;
    }
    make_folders(spec).map_err(|error| storage_failure(work, &error))?;
    fetch::fetch(spec)?;
    open_log(spec).map_err(|error| storage_failure("the step's log could not be opened", &error))
}

fn make_folders(spec: &Spec) -> io::Result<()> {
    fs::create_dir_all(&spec.work_dir)?;
    for kept in collect::KEPT {
        fs::create_dir_all(spec.work_dir.join(kept))?;
    }
    for output in &spec.outputs {
        let place = match (&output.upload_from, &output.staged) {
            (Some(source), _) => &spec.work_dir.join(source),
            (None, Some(staged)) => staged,
            (None, None) => &output.path,
        };
        let folder = if output.make_folder {
            Some(place.as_path())
        } else {
            place.parent()
        };
        folder.map_or(Ok(()), fs::create_dir_all)?;
    }
    Ok(())
}

fn open_log(spec: &Spec) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    let opened = match options.open(&spec.log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = spec.log.parent() {
                fs::create_dir_all(parent)?;
            }
            options.open(&spec.log)
        }
        opened => opened,
    };
    opened.map(|log| log.into_parts().0)
}

/// Says that the program runs. A disk that is full now may not be so at the end, and the program
/// is found by its marker, too: the step goes on.
fn announce(attempt: &Attempt, pid: i32, usage: &Usage) {
    let at = usage.started.unwrap_or_default();
    let written = Process::find(pid)
        .map_err(Error::from)
        .and_then(|child| match child {
            Some(child) => attempt.write_started(&Started { child, at }),
            None => Ok(()),
        });
    if let Err(error) = written {
        attempt.note(&in_words(&error));
    }
    tell(&format!("{NEWS_STARTED} {}", at.as_millis()));
}

/// The reader may be gone; the folder has it all.
fn tell(news: &str) {
    let _ = writeln!(io::stdout(), "{news}");
}

/// Keeps what the step left; if that fails, a success becomes a failure.
fn keep(spec: &Spec, outcome: Outcome) -> Outcome {
    let succeeded = matches!(outcome, Outcome::Succeeded(_));
    match (collect::collect(spec, succeeded), outcome) {
        (Err(failure), Outcome::Succeeded(usage)) => Outcome::Failed(failure, usage),
        (_, outcome) => outcome,
    }
}

/// On a full disk the working folder goes first, then it is tried for some seconds more.
fn record(attempt: &Attempt, spec: &Spec, outcome: &Outcome) -> Result<(), Error> {
    let mut written = attempt.conclude(outcome);
    for pause in RETRY_AFTER_MS {
        if written.is_ok() {
            break;
        }
        let _ = fs::remove_dir_all(&spec.work_dir);
        std::thread::sleep(Duration::from_millis(pause));
        written = attempt.conclude(outcome);
    }
    written
}

fn internal(error: &io::Error) -> Failure {
    Failure::new(
        FailureKind::Internal,
        format!("the step's supervisor failed: {}", in_words(error)),
    )
}
