//! The life of a supervisor: steps, one after the other.
//!
//! To start a process and to load its program costs more than all a supervisor does for a short
//! step, so one that has ended its step well waits for another, with an interpreter that is loaded
//! for it ([`warm`]), and with a working folder, if the step has left its own as it was ([`work_folder`]).
//! Nothing of a step passes to the next: a supervisor that has a child left, or that could not record an
//! outcome, leaves.
//!
//! Everything up to the recorded outcome happens here in order and on one thread. What a step's program
//! does is an [`Outcome`]; only what keeps the supervisor from recording one is an error.

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use camino::Utf8PathBuf;
use fs_err as fs;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use stepwell_model::{Failure, FailureKind, Outcome, Start, Usage, in_words};

use crate::assignment::Assignment;
use crate::folder::{Attempt, Error, Holder, Started};
use crate::log_times::LogTimes;
use crate::process::Process;
use crate::reap::{Left, Reaper};
use crate::signals::{self, Signals};
use crate::spec::Spec;
use crate::storage::{explain_full_disk, storage_failure};
use crate::view::{Room, View};
use crate::work_folder::{self, WorkFolders};
use crate::{
    collect, descendants, entries, excerpt, fetch, launch, now, program, record, sweep, verdict,
    warm,
};

/// The exit status of a supervisor that could not write down what happened (`EX_IOERR`): the disk
/// is full or gone. Its attempt counts as lost.
pub const EXIT_NOT_RECORDED: u8 = 74;
/// The exit status of a supervisor that was called wrongly (`EX_USAGE`).
const EXIT_USAGE: u8 = 64;

/// How long an interpreter is kept for a step that does not come.
const KEEP_LOADED: Duration = Duration::from_secs(300);

/// The word on standard output when the program runs; the time in milliseconds follows.
pub const NEWS_STARTED: &str = "started";
/// The word on standard output when the outcome is written down.
pub const NEWS_ENDED: &str = "ended";
/// The word on standard output when the next step may come; the words of the interpreters that are
/// kept for it follow, those that took long to load with [`warm::HEAVY`] at their end.
pub const NEWS_READY: &str = "ready";

/// The pauses between the tries to write down the outcome.
const RETRY_AFTER_MS: [u64; 4] = [250, 500, 1_000, 2_000];

/// The `stepwell-supervise` program.
///
/// With a folder, it supervises the attempt of that folder; a cluster's job names itself by
/// `--holder CLUSTER JOB-ID` before it, and by `--tied PROCESS` before that it stops the step when the
/// process that has started it is gone. Without arguments it stands by: it makes itself ready and
/// takes [assignments](crate::assignment()) from standard input, until there are no more. So a
/// server can have the next supervisor ready while the current step runs.
///
/// With `--launch` or `--rank` before the folder it is a part of a step that is several processes, and
/// with `--stop-ranks` it asks those of them to stop that are on this machine;
/// with `--sweep` it kills what a supervisor of that folder has left that was killed itself.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (parent, arguments) = match arguments.as_slice() {
        ["--tied", parent, rest @ ..] => (Some(*parent), rest),
        all => (None, all),
    };
    let (holder, folder) = match arguments {
        [] => (None, None),
        ["--launch", folder] => return launch::main(folder),
        ["--rank", folder] => return launch::rank_main(folder, parent),
        ["--stop-ranks", folder] => return launch::stop_ranks(folder),
        ["--sweep", folder] => return sweep::main(folder),
        [folder] if !folder.starts_with('-') => (None, Some(*folder)),
        ["--holder", cluster, job, folder] => {
            let (cluster, job) = ((*cluster).to_owned(), (*job).to_owned());
            (Some(Holder::Cluster { cluster, job }), Some(*folder))
        }
        _ => {
            let usage = "usage: stepwell-supervise [[[--tied PROCESS] --holder CLUSTER JOB-ID] ATTEMPT-FOLDER]";
            let _ = writeln!(io::stderr(), "{usage}");
            return EXIT_USAGE.into();
        }
    };
    let mut ready = Ready::new(holder, parent);
    if let Some(folder) = folder {
        return match take(Assignment::of(folder.to_owned()), &mut ready) {
            Ok(over) => {
                over.tidy(&mut ready, false);
                ExitCode::SUCCESS
            }
            Err(status) => status,
        };
    }
    while let Some(assignment) = assigned(&mut ready) {
        let over = match take(assignment, &mut ready) {
            Ok(over) => over,
            Err(status) => return status,
        };
        // The next step may be assigned meanwhile, and is not claimed before.
        let is_reusable = matches!(over.left, Left::Nobody);
        if is_reusable {
            report_ready(&mut ready);
        }
        over.tidy(&mut ready, is_reusable);
        if !is_reusable {
            break;
        }
    }
    ExitCode::SUCCESS
}

/// A step that is over, and recorded.
struct Over {
    left: Left,
    /// The folder that it ran in; `None` for another supervisor's.
    work_dir: Option<Utf8PathBuf>,
}

impl Over {
    /// Removes the folder that the step ran in, or keeps it if there may be a step for it.
    fn tidy(&self, ready: &mut io::Result<Ready>, is_reusable: bool) {
        if let (Some(work_dir), Ok(ready)) = (&self.work_dir, ready) {
            ready.folders.leave(work_dir, is_reusable);
        }
    }
}

/// Says that the next step may come, and has the interpreter loaded that it may start in.
fn report_ready(ready: &mut io::Result<Ready>) {
    let Ok(ready) = ready else {
        return report(NEWS_READY);
    };
    ready.warm.keep();
    let words = ready.warm.words().into_iter();
    let words: Vec<String> = std::iter::once(NEWS_READY.to_owned())
        .chain(words)
        .collect();
    report(&words.join(" "));
}

/// What a supervisor does before it knows its attempt.
struct Ready {
    signals: Signals,
    holder: Holder,
    warm: warm::Keeper,
    folders: WorkFolders,
}

impl Ready {
    /// The signals come first: a request to stop is never taken for an order to die.
    fn new(holder: Option<Holder>, parent: Option<&str>) -> io::Result<Self> {
        let signals = Signals::block()?;
        if let Some(parent) = parent {
            signals::stop_without(parent)?;
        }
        detach()?;
        let holder = match holder {
            Some(holder) => holder,
            None => Holder::Process(Process::current()?),
        };
        Ok(Self {
            signals,
            holder,
            warm: warm::Keeper::default(),
            folders: WorkFolders::default(),
        })
    }
}

/// What whoever started this supervisor assigns to it next; `None` if it went away, or wants this one
/// to.
fn assigned(ready: &mut io::Result<Ready>) -> Option<Assignment> {
    if let Ok(Ready { warm, folders, .. }) = ready {
        if folders.has_one() && !comes_within(work_folder::KEPT_FOR) {
            folders.clear();
        }
        if !warm.words().is_empty() && !comes_within(KEEP_LOADED) {
            warm.end();
        }
    }
    Assignment::read(io::stdin().lock()).ok().flatten()
}

/// Whether the next attempt is assigned within a time, or none will be.
fn comes_within(time: Duration) -> bool {
    let Ok(time) = Timespec::try_from(time) else {
        return true;
    };
    let input = io::stdin();
    let mut fds = [PollFd::new(&input, PollFlags::IN)];
    !matches!(poll(&mut fds, Some(&time)), Ok(0))
}

/// Sees an attempt through.
fn take(assignment: Assignment, ready: &mut io::Result<Ready>) -> Result<Over, ExitCode> {
    let attempt = Attempt::open(assignment.folder);
    let notes = attempt.clone();
    std::panic::set_hook(Box::new(move |panic| notes.note(&panic.to_string())));
    let lived = match ready {
        Ok(ready) => live(&attempt, assignment.line.as_deref(), ready),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string()).into()),
    };
    lived.map_err(|error| {
        attempt.note(&in_words(&error));
        EXIT_NOT_RECORDED.into()
    })
}

fn live(attempt: &Attempt, given: Option<&[u8]>, ready: &mut Ready) -> Result<Over, Error> {
    let mut spec = match given {
        Some(line) => record::spec(line).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "what is to be done cannot be read",
            )
        })?,
        None => attempt.spec()?,
    };
    if !attempt.claim_with(ready.holder.clone(), given)? {
        // Another supervisor has it; it is the one to speak.
        return Ok(Over {
            left: Left::Nobody,
            work_dir: None,
        });
    }
    if let Some(report) = ready.warm.report_of(&spec) {
        let report = report.into_string();
        spec.variables.insert(warm::IMPORTED.to_owned(), report);
    }
    let attempt = &attempt.clone().recorded_for(&spec);
    let (outcome, left) = supervise(attempt, &spec, ready);
    write_down(attempt, &spec, &outcome)?;
    report(NEWS_ENDED);
    if matches!(outcome, Outcome::Succeeded(_)) {
        ready.warm.learn(&spec);
    }
    Ok(Over {
        left,
        work_dir: Some(spec.work_dir),
    })
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

fn supervise(attempt: &Attempt, spec: &Spec, ready: &mut Ready) -> (Outcome, Left) {
    let signals = &ready.signals;
    let never_ran = |outcome| (outcome, Left::Nobody);
    let failed = |failure| never_ran(Outcome::Failed(failure, Usage::default()));
    let log = match prepare(spec, &mut ready.folders) {
        Ok(log) => log,
        Err(failure) => return failed(failure),
    };
    let log_start = log.metadata().map_or(0, |log| log.len());
    match signals.stop_asked() {
        Ok(false) => {}
        Ok(true) => return never_ran(Outcome::Cancelled(Usage::default())),
        Err(error) => return failed(internal(&error)),
    }
    let own = match launch::supervised(attempt, spec) {
        Ok(own) => own,
        Err(error) => return failed(internal(&error)),
    };
    let mut room = match own.view.as_ref().map(View::open).transpose() {
        Ok(room) => room,
        Err(error) => return failed(verdict::of_no_view(&error)),
    };
    let (main, start, lent) = match begin(&own, log, room.as_mut(), &mut ready.warm) {
        Ok(begun) => begun,
        Err(error) => return failed(verdict::of_refusal(spec, &error)),
    };
    let mut usage = Usage {
        started: Some(now()),
        start: Some(start),
        ..Usage::default()
    };
    announce(attempt, main.as_raw_nonzero().get(), &usage);
    // One that the step had no use for, while its program runs.
    ready.folders.clear();
    let mut reaper = Reaper::beside(ready.warm.sessions()).reporting_to(lent);
    let mut times = LogTimes::new(&spec.log, &spec.files_dir, log_start);
    let ended = program::wait(main, &own, signals, &mut reaper, &mut times)
        .and_then(|cause| Ok((cause, descendants::end_all(main, signals, &mut reaper)?)));
    times.look();
    usage.ended = Some(now());
    reaper.count(&mut usage);
    launch::count(attempt, spec, &mut usage);
    if let Some(reason) = reaper.reason_of_cold() {
        usage.start = Some(Start::Cold(reason));
    }
    let (cause, (status, left)) = match ended {
        Ok(ended) => ended,
        Err(error) => return (Outcome::Failed(internal(&error), usage), Left::Somebody),
    };
    ready.warm.take_back(status.code().is_some());
    let excerpt = || excerpt::of_log(&spec.log, log_start, &spec.work_dir).unwrap_or_default();
    let reported = || {
        let path = spec.failure.as_ref()?;
        verdict::reported(&std::fs::read(path).ok()?)
    };
    let outcome = verdict::of_end(spec, cause, status, usage, reported, excerpt);
    (keep(spec, explain_full_disk(spec, outcome)), left)
}

/// Starts the program: as a fork of a loaded interpreter if that can be, and else by itself. One that
/// starts workers of its own is lent the interpreter.
fn begin(
    spec: &Spec,
    log: File,
    room: Option<&mut Room>,
    warm: &mut warm::Keeper,
) -> io::Result<(Pid, Start, Option<warm::Lent>)> {
    if let Some(workers) = &spec.workers {
        return Ok(match warm.lend(spec, &workers.program) {
            Ok((loan, lent)) => {
                let main = program::start(spec, log, room, Some(&loan))?;
                (main, Start::Warm, Some(lent))
            }
            Err(reason) => {
                let main = program::start(spec, log, room, None)?;
                (main, Start::Cold(reason), None)
            }
        });
    }
    match warm.start(spec) {
        Ok(main) => Ok((main, Start::Warm, None)),
        Err(reason) => {
            let main = program::start(spec, log, room, None)?;
            Ok((main, Start::Cold(reason), None))
        }
    }
}

/// Makes the folders, the files in them and the log.
fn prepare(spec: &Spec, folders: &mut WorkFolders) -> Result<File, Failure> {
    let work = "the step's working folder could not be prepared";
    let made = folders.make(spec);
    made.map_err(|error| storage_failure(work, &error))?;
    make_output_folders(spec).map_err(|error| storage_failure(work, &error))?;
    fetch::fetch(spec)?;
    open_log(spec).map_err(|error| storage_failure("the step's log could not be opened", &error))
}

fn make_output_folders(spec: &Spec) -> io::Result<()> {
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
    report(&format!("{NEWS_STARTED} {}", at.as_millis()));
}

/// The reader may be gone; the folder has it all.
fn report(news: &str) {
    let _ = writeln!(io::stdout(), "{news}");
}

/// Keeps what the step left; if that fails, a success becomes a failure.
fn keep(spec: &Spec, outcome: Outcome) -> Outcome {
    let succeeded = matches!(outcome, Outcome::Succeeded(_));
    warn(spec, &entries::make_plain(spec));
    match (collect::collect(spec, succeeded), outcome) {
        (Err(failure), Outcome::Succeeded(usage)) => Outcome::Failed(failure, usage),
        (_, outcome) => outcome,
    }
}

/// Adds warnings to the step's log, as well as that goes.
fn warn(spec: &Spec, warnings: &[String]) {
    if warnings.is_empty() {
        return;
    }
    if let Ok(mut log) = open_log(spec) {
        for warning in warnings {
            let _ = writeln!(log, "stepwell: warning: {warning}");
        }
    }
}

/// On a full disk the working folder goes first, then it is tried for some seconds more.
fn write_down(attempt: &Attempt, spec: &Spec, outcome: &Outcome) -> Result<(), Error> {
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
