//! One process of several: given its rank by whatever has started it, it runs the step's program as
//! a supervisor does, with a log of its own, and writes down how that ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::process::ExitCode;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use stepwell_model::{Usage, expand_variables};

use super::ranks::{End, Ranks};
use super::world::{By, VARIABLE, World};
use crate::folder::{Attempt, Error};
use crate::log_times::LogTimes;
use crate::process::Process;
use crate::program::{self, Cause};
use crate::reap::Reaper;
use crate::signals::{self, Signals};
use crate::spec::{Several, Spec};
use crate::{descendants, now};

/// The exit status of a rank that could not begin: its launcher reads why on its standard error.
const EXIT_NO_RANK: u8 = 70;

/// Is the rank that its variables say, of the attempt in a folder. It stops its program when the process
/// is gone that has started it, if that one has this number.
pub(crate) fn main(folder: &str, parent: Option<&str>) -> ExitCode {
    match run(&Attempt::open(folder), parent) {
        Ok(status) => status.into(),
        Err(error) => {
            let text = stepwell_model::in_words(&error);
            eprintln!("stepwell: a process of the step could not begin: {text}");
            EXIT_NO_RANK.into()
        }
    }
}

fn run(attempt: &Attempt, parent: Option<&str>) -> Result<u8, Error> {
    let signals = Signals::block()?;
    if let Some(parent) = parent {
        signals::stop_without(parent)?;
    }
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(io::Error::from)?;
    let spec = attempt.spec()?;
    let several = spec.several.clone();
    let several = several.ok_or_else(|| io::Error::other("the step is one process"))?;
    let world = world()?;
    let rank = number(world.by)?;
    let ranks = Ranks::of(attempt.folder());
    if world.by == By::Mpiexec {
        ranks.begin(rank, &Process::current()?)?;
    }
    let path = log_path(&spec, &several, rank);
    let log = open(&path)?;
    let log_start = log.metadata()?.len();
    let own = of_rank(&spec, several.expands, world.variables(rank));
    let room = own.view.as_ref().map(crate::View::open).transpose();
    let mut room = room.map_err(io::Error::other)?;
    let main = program::start(&own, log, room.as_mut(), None)?;
    let mut reaper = Reaper::default();
    // The supervisor keeps the times of the step's log.
    let mut times = LogTimes::new(&path, attempt.folder(), u64::MAX);
    let cause = program::wait(main, &own, &signals, &mut reaper, &mut times)?;
    let (status, _) = descendants::end_all(main, &signals, &mut reaper)?;
    let mut usage = Usage::default();
    reaper.count(&mut usage);
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    let end = End {
        rank,
        node: node_name(),
        code: status.code(),
        signal,
        asked: cause != Cause::Itself,
        at: now(),
        log_start,
        usage,
    };
    ranks.end(&end)?;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    Ok(code
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(EXIT_NO_RANK))
}

/// What Slurm calls this machine, or else what it calls itself.
fn node_name() -> String {
    std::env::var("SLURMD_NODENAME").unwrap_or_else(|_| {
        let names = rustix::system::uname();
        names.nodename().to_string_lossy().into_owned()
    })
}

/// The file that takes what a rank prints. The first one's is the step's own log.
pub(super) fn log_path(spec: &Spec, several: &Several, rank: u32) -> Utf8PathBuf {
    match rank {
        0 => spec.log.clone(),
        rank => several.logs.join(log_name(rank)),
    }
}

/// The name of the log of a rank after the first.
pub(super) fn log_name(rank: u32) -> String {
    format!("std_log_process_{rank}.txt")
}

fn open(path: &Utf8Path) -> io::Result<File> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut options = fs::OpenOptions::new();
    let opened = options.append(true).create(true).open(path)?;
    Ok(opened.into_parts().0)
}

/// What this process runs: the step's program, which is given its rank.
fn of_rank(spec: &Spec, expands: bool, variables: BTreeMap<String, String>) -> Spec {
    let filled = |word: &String| match expands {
        true => expand_variables(word, |name| variables.get(name).cloned()),
        false => word.clone(),
    };
    let argv = spec.argv.iter().map(filled).collect();
    let mut all = spec.variables.clone();
    // What has started it knows better; Open MPI has set its own.
    let is_set = |name: &String| name.starts_with("OMPI_") && std::env::var_os(name).is_some();
    all.extend(variables.into_iter().filter(|(name, _)| !is_set(name)));
    Spec {
        argv,
        variables: all,
        // The supervisor of all of them has it.
        timeout_s: None,
        ..spec.clone()
    }
}

fn world() -> io::Result<World> {
    let text = std::env::var(VARIABLE).map_err(io::Error::other)?;
    Ok(serde_json::from_str(&text)?)
}

fn number(by: By) -> io::Result<u32> {
    let names = by.rank_variables();
    let mut values = names.iter().filter_map(|name| std::env::var(name).ok());
    let number = values.find_map(|value| value.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("none of {} is set", names.join(", "))))
}
