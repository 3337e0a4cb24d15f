//! A step that is several processes: the launcher, which its supervisor starts in place of the step's
//! program, and the processes themselves, the *ranks*.
//!
//! On this machine the ranks are children of the launcher, or of `mpiexec` for a step that asks for
//! MPI and has it. In a job of Slurm's `srun` starts them on the job's nodes. On a Ray cluster the nodes
//! that the job has reserved do, as the launcher or `mpiexec` asks them to. In each case a rank is this
//! program again, `stepwell-supervise --rank FOLDER`, which runs the step's program as its child.
//!
//! Invariants: the first rank that fails by itself ends all, and is the one whose status and log the
//! step has. What asks the launcher to stop reaches every rank, and each ends its program within its
//! own grace.

mod carrier;
mod mpi;
mod place;
mod rank;
mod ranks;
mod world;

use std::borrow::Cow;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use stepwell_model::{Failure, FailureKind, Usage, in_words};

use self::carrier::{Carrier, Ended};
pub use self::place::{JobNode, Reserved, of_job as nodes_of_job};
pub(crate) use self::rank::main as rank_main;
use self::ranks::{End, Ranks};
use self::world::World;
use crate::folder::Attempt;
use crate::signals::Signals;
use crate::spec::{Launcher, Several, Spec, Warm};
use crate::{excerpt, verdict};

/// How much longer than a rank's grace its launcher may take.
const LAUNCHER_GRACE_MS: u64 = 5_000;

/// What is said when it may be either: what a node runs is not gone all at once.
const NODE_LOST: &str =
    "a node of the step was lost while the step ran, or what ran there was killed";

/// How long the file of a rank's end may take to be seen from its launcher's node.
const FILE_DELAY: Duration = Duration::from_secs(5);

/// The longest part of what a carrier printed that is shown, in bytes.
const PRINTED_MAX: usize = 4 << 10;

/// What a supervisor starts and waits for itself: the program, or the launcher of several.
pub(crate) fn supervised<'a>(attempt: &Attempt, spec: &'a Spec) -> io::Result<Cow<'a, Spec>> {
    if spec.several.is_none() {
        return Ok(Cow::Borrowed(spec));
    }
    let program = std::env::current_exe()?.to_string_lossy().into_owned();
    let folder = attempt.folder().to_string();
    Ok(Cow::Owned(Spec {
        argv: vec![program, "--launch".to_owned(), folder],
        // The ranks read the step's own; what a cluster hands from node to node holds no token.
        variables: Default::default(),
        view: None,
        warm: Warm::Cold {
            reason: "it is several processes".to_owned(),
        },
        grace_ms: spec.grace_ms.saturating_add(LAUNCHER_GRACE_MS),
        ..spec.clone()
    }))
}

/// Adds what ranks on other nodes have used, which this machine's kernel does not count.
pub(crate) fn count(attempt: &Attempt, spec: &Spec, usage: &mut Usage) {
    let launcher = spec.several.as_ref().map(|several| several.launcher);
    if matches!(launcher, None | Some(Launcher::Here)) {
        return;
    }
    for end in Ranks::of(attempt.folder()).ends() {
        let peak = end.usage.peak_memory_bytes;
        usage.peak_memory_bytes = usage.peak_memory_bytes.max(peak);
        usage.user_ms += end.usage.user_ms;
        usage.system_ms += end.usage.system_ms;
    }
}

/// Launches the ranks of the attempt in a folder, and ends as the step is to.
pub(crate) fn main(folder: &str) -> ExitCode {
    let attempt = Attempt::open(folder);
    let launched = launch(&attempt).unwrap_or_else(|error| {
        let summary = format!("the processes of the step: {}", in_words(&error));
        Ending::failed(Failure::new(FailureKind::Environment, summary))
    });
    if let Some(failure) = &launched.failure {
        eprintln!("stepwell: {}", failure.summary);
        let written = serde_json::to_vec(failure)
            .map_err(io::Error::from)
            .and_then(|text| fs_err::write(attempt.failure_path(), text));
        if let Err(error) = written {
            attempt.note(&in_words(&error));
        }
    }
    end_as(&launched)
}

/// Asks the ranks of the attempt in a folder that are on this machine to stop.
pub(crate) fn stop_ranks(folder: &str) -> ExitCode {
    Ranks::of(Attempt::open(folder).folder()).stop_here();
    ExitCode::SUCCESS
}

/// How the launcher is to end.
struct Ending {
    failure: Option<Failure>,
    code: u8,
    signal: Option<i32>,
}

impl Ending {
    const fn with_code(code: u8) -> Self {
        Self {
            failure: None,
            code,
            signal: None,
        }
    }

    const fn failed(failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            code: 1,
            signal: None,
        }
    }
}

fn launch(attempt: &Attempt) -> Result<Ending, crate::Error> {
    let signals = Signals::block()?;
    let spec = attempt.spec()?;
    let several = spec.several.clone();
    let several = several.ok_or_else(|| io::Error::other("the step is one process"))?;
    let ranks = Ranks::of(attempt.folder());
    ranks.make()?;
    let by = carrier::by(&spec, &several)?;
    let nodes = place::nodes(&several)?;
    let mut world = World::new(&several, by.word(), nodes, 0);
    world.port = place::free_ports(world.size().saturating_add(1))?;
    let mut carrier = Carrier::start(attempt, &by, &world)?;
    let ended = carrier.follow(attempt, &signals, &ranks, &world)?;
    Ok(ending(attempt, &spec, &several, &world, &ended, &ranks))
}

/// What became of all, by the files of the ranks.
fn ending(
    attempt: &Attempt,
    spec: &Spec,
    several: &Several,
    world: &World,
    ended: &Ended,
    ranks: &Ranks,
) -> Ending {
    if ended.asked {
        return Ending::with_code(1);
    }
    let deadline = Instant::now() + FILE_DELAY;
    let mut ends = ranks.ends();
    // What serves parameters is ended when the workers have ended, by a signal that Slurm sends to its
    // program too: the workers alone decide.
    let is_served =
        |ends: &[End]| world.parameter_servers > 0 && ranks::all_succeeded(ends, world.workers());
    let is_known = |ends: &[End]| {
        let well = !ended.failed && ranks::all_succeeded(ends, world.workers());
        well || is_served(ends) || ranks::first_failed(ends).is_some()
    };
    let is_elsewhere = several.launcher != Launcher::Here;
    while is_elsewhere && !ended.lost && !is_known(&ends) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
        ends = ranks.ends();
    }
    if is_served(&ends) {
        return Ending::with_code(0);
    }
    let printed = || {
        let text = std::fs::read(attempt.folder().join(carrier::LOG)).unwrap_or_default();
        let end = String::from_utf8_lossy(&text[text.len().saturating_sub(PRINTED_MAX)..]);
        end.trim_end().to_owned()
    };
    // The others may have failed because of it, and before that was known.
    let lost = || Failure::new(FailureKind::Lost, NODE_LOST).with_detail(printed());
    if ended.lost {
        return Ending::failed(lost());
    }
    if let Some(first) = ranks::first_failed(&ends) {
        return of_rank(spec, several, world, first);
    }
    if !ended.failed && ranks::all_succeeded(&ends, world.workers()) {
        return Ending::with_code(0);
    }
    if ended.signalled {
        return Ending::failed(lost());
    }
    let missing = (0..world.size()).find(|rank| !ends.iter().any(|end| end.rank == *rank));
    let summary = match missing {
        Some(rank) => format!(
            "process {rank} of {} has left no word of how it ended",
            world.size()
        ),
        None => format!("{} failed", carrier::name(world.by)),
    };
    Ending::failed(Failure::new(FailureKind::Environment, summary).with_detail(printed()))
}

/// The step has failed as its first rank did that failed.
fn of_rank(spec: &Spec, several: &Several, world: &World, end: &End) -> Ending {
    let who = match several.launcher {
        Launcher::Here => format!("process {} of {}", end.rank, world.size()),
        Launcher::Slurm | Launcher::Ray => {
            format!("process {} of {} on {}", end.rank, world.size(), end.node)
        }
    };
    let mut failure = verdict::of_process(&who, end.code, end.signal, &end.usage);
    if end.rank > 0 {
        let log = rank::log_path(spec, several, end.rank);
        let text = excerpt::of_log(&log, end.log_start, &spec.work_dir).unwrap_or_default();
        let name = rank::log_name(end.rank);
        if !text.is_empty() {
            eprintln!("stepwell: user_logs/{name} ends with:\n{text}");
        }
        failure = failure.with_detail(text);
    }
    Ending {
        failure: Some(failure),
        code: end
            .code
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
        signal: end.signal,
    }
}

/// Ends with the status of the rank, by its signal if that was one.
fn end_as(ending: &Ending) -> ExitCode {
    let signal = ending
        .signal
        .and_then(|signal| Signal::try_from(signal).ok());
    if let Some(signal) = signal {
        let none = rustix::process::Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let limited = rustix::process::setrlimit(rustix::process::Resource::Core, none);
        if limited.is_ok() && SigSet::empty().thread_set_mask().is_ok() {
            // Of some, the first one only takes away a handler that Rust has set. A signal that does
            // not end this process leaves it to the status.
            for _ in 0..2 {
                let _ = nix::sys::signal::raise(signal);
            }
        }
    }
    ending.code.into()
}
