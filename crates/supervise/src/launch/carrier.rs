//! What carries the ranks: the launcher's own children, `mpiexec`, `srun`, or the nodes of a Ray cluster.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use rustix::process::{Pid, Signal};
use stepwell_model::Communicator;

use super::mpi;
use super::place::Reserved;
use super::ranks::{self, Ranks};
use super::world::{self, VARIABLE, World};
use crate::folder::Attempt;
use crate::program::tie_to;
use crate::signals::{Signals, Wake};
use crate::spec::{Launcher, Several, Spec};

/// The file of an attempt for what carries its ranks prints.
pub(super) const LOG: &str = "launch.log";

/// How often the ranks' files are looked at, and those asked again that do not end.
const LOOK: Duration = Duration::from_secs(1);

/// The exit status of what stands for a process on another node when that node is gone (`EX_TEMPFAIL`);
/// those above the other one say, as a shell does, that a signal has ended the process.
const EXIT_NODE_LOST: i32 = 75;
const EXIT_SIGNALLED: i32 = 128;

/// How long it may take until it is known that a node is gone.
const LOST_WITHIN: Duration = Duration::from_secs(30);

/// The step's environment has no MPI, or only a part of it.
const NO_MPIEXEC: &str = "stepwell: the step's environment has no mpiexec: its processes are given their \
                          ranks as variables, and an MPI library does not know of them; `pip install \
                          mpi4py mpich` brings both";

/// What is to carry the ranks.
pub(super) enum By {
    Launcher,
    Mpiexec {
        program: Utf8PathBuf,
        /// The nodes, unless all is on this machine.
        reserved: Option<Reserved>,
    },
    Srun {
        mpi: String,
    },
    Nodes(Reserved),
}

impl By {
    pub(super) const fn word(&self) -> world::By {
        match self {
            Self::Launcher => world::By::Launcher,
            Self::Mpiexec { .. } => world::By::Mpiexec,
            Self::Srun { .. } => world::By::Srun,
            Self::Nodes(_) => world::By::Nodes,
        }
    }
}

/// What carries the ranks of such a step.
///
/// # Errors
/// They cannot be carried: why.
pub(super) fn by(spec: &Spec, several: &Several) -> io::Result<By> {
    let is_mpi = several.distribution.communicator == Communicator::Mpi;
    Ok(match several.launcher {
        Launcher::Slurm => By::Srun {
            mpi: match is_mpi {
                true => several.mpi.clone().unwrap_or_else(|| "pmi2".to_owned()),
                false => "none".to_owned(),
            },
        },
        Launcher::Here | Launcher::Ray => {
            let reserved = match several.launcher {
                Launcher::Ray => Some(Reserved::read()?),
                _ => None,
            };
            let mpiexec = mpi::find(spec).filter(|_| is_mpi);
            match (mpiexec, reserved) {
                (Some(program), reserved) => By::Mpiexec { program, reserved },
                (None, reserved) => {
                    if is_mpi {
                        eprintln!("{NO_MPIEXEC}");
                    }
                    reserved.map_or(By::Launcher, By::Nodes)
                }
            }
        }
    })
}

/// The processes that carry the ranks.
pub(super) struct Carrier {
    children: Vec<Child>,
    by: world::By,
    /// The ranks that `mpiexec` has on other nodes.
    elsewhere: Option<Elsewhere>,
}

/// How the carrier ended.
pub(super) struct Ended {
    /// Whether the launcher was asked to stop.
    pub(super) asked: bool,
    /// Whether it says that something failed.
    pub(super) failed: bool,
    /// Whether it says that a node was lost.
    pub(super) lost: bool,
    /// Whether it says that a signal has ended a process on a node before any was asked to stop. Of a
    /// program that a signal has ended its rank says so.
    pub(super) signalled: bool,
}

impl Carrier {
    pub(super) fn start(attempt: &Attempt, by: &By, world: &World) -> io::Result<Self> {
        let text = serde_json::to_string(world)?;
        let program = std::env::current_exe()?;
        let rank = |mut command: Command| {
            command.arg("--rank").arg(attempt.folder());
            command.env(VARIABLE, &text).stdin(Stdio::null());
            command
        };
        let mut children = Vec::new();
        let mut elsewhere = None;
        match by {
            By::Launcher => {
                for number in 0..world.size() {
                    let mut command = rank(Command::new(&program));
                    command.env("STEPWELL_RANK", number.to_string());
                    children.push(spawn(command)?);
                }
            }
            By::Mpiexec {
                program: mpiexec,
                reserved,
            } => {
                let folder = attempt.folder();
                let mut command = mpi::command(mpiexec, reserved.as_ref(), world, folder)?;
                command.arg(&program);
                children.push(spawn(apart(rank(command), attempt)?)?);
                elsewhere = reserved.clone().map(|reserved| Elsewhere {
                    reserved,
                    asking: Vec::new(),
                });
            }
            By::Srun { mpi } => {
                let mut command = Command::new("srun");
                command.args(srun_options(world, mpi)).arg(&program);
                children.push(spawn(apart(rank(command), attempt)?)?);
            }
            By::Nodes(reserved) => {
                for number in 0..world.size() {
                    let mut command = reserved.command(world.place(number).0)?;
                    command.arg(&program);
                    // The node knows the number of its process.
                    command.args(["--tied", "{parent}"]);
                    command.env("STEPWELL_RANK", number.to_string());
                    children.push(spawn(apart(rank(command), attempt)?)?);
                }
            }
        }
        let by = by.word();
        Ok(Self {
            children,
            by,
            elsewhere,
        })
    }

    /// Waits until all have ended; sees that they do when one failed, when the launcher is asked to
    /// stop, and when only those are left that serve parameters.
    pub(super) fn follow(
        &mut self,
        attempt: &Attempt,
        signals: &Signals,
        ranks: &Ranks,
        world: &World,
    ) -> io::Result<Ended> {
        let mut ended = Ended {
            asked: false,
            failed: false,
            lost: false,
            signalled: false,
        };
        let (mut over, mut look) = (false, Instant::now() + LOOK);
        while !self.children.is_empty() {
            let wake = signals.wait(Some(look))?;
            ended.asked |= wake == Wake::Stop;
            let served = wake == Wake::Deadline
                && world.parameter_servers > 0
                && ranks::all_succeeded(&ranks.ends(), world.workers());
            self.reap(&mut ended, over)?;
            let was_over = over;
            // The others see themselves that all end when one fails.
            let is_seen = matches!(self.by, world::By::Mpiexec | world::By::Srun);
            over |= ended.asked || served || (ended.failed && !is_seen);
            if over && (!was_over || wake == Wake::Deadline) {
                self.end(attempt, ranks)?;
            }
            if wake == Wake::Deadline {
                look = Instant::now() + LOOK;
            }
        }
        if let Some(elsewhere) = &self.elsewhere {
            // What `mpiexec` says of a node that is gone is not its exit status.
            let is_unexplained = ended.failed && ranks::first_failed(&ranks.ends()).is_none();
            ended.lost = is_unexplained && !ended.asked && elsewhere.is_one_lost(attempt)?;
        }
        Ok(ended)
    }

    /// Reaps those that have ended, and notes what they say of it.
    fn reap(&mut self, ended: &mut Ended, over: bool) -> io::Result<()> {
        let by_nodes = self.by == world::By::Nodes;
        let mut left = Vec::new();
        for mut child in self.children.drain(..) {
            match child.try_wait()? {
                Some(status) => {
                    ended.failed |= !status.success();
                    let code = status.code().filter(|_| by_nodes);
                    ended.lost |= code == Some(EXIT_NODE_LOST);
                    ended.signalled |= !over && code.is_some_and(|code| code > EXIT_SIGNALLED);
                }
                None => left.push(child),
            }
        }
        self.children = left;
        Ok(())
    }

    /// Asks all ranks to end.
    fn end(&mut self, attempt: &Attempt, ranks: &Ranks) -> io::Result<()> {
        let terminate = |pid: Option<Pid>| {
            if let Some(pid) = pid {
                // It may have ended just now.
                let _ = rustix::process::kill_process(pid, Signal::TERM);
            }
        };
        match self.by {
            world::By::Launcher | world::By::Nodes => {
                for child in &self.children {
                    terminate(Some(Pid::from_child(child)));
                }
            }
            world::By::Mpiexec => {
                if !ranks.stop_here() {
                    self.children
                        .iter()
                        .for_each(|child| terminate(Some(Pid::from_child(child))));
                } else if let Some(elsewhere) = &mut self.elsewhere {
                    elsewhere.ask_to_stop(attempt)?;
                }
            }
            world::By::Srun => {
                let job = std::env::var("SLURM_JOB_ID").unwrap_or_default();
                // All of the job's steps but the one that this is part of.
                let asked = Command::new("scancel")
                    .args(["--signal=TERM", &job])
                    .stdin(Stdio::null())
                    .status();
                if !asked.is_ok_and(|status| status.success()) {
                    self.children
                        .iter()
                        .for_each(|child| terminate(Some(Pid::from_child(child))));
                }
            }
        }
        Ok(())
    }
}

/// What has other nodes stop their ranks, which know no other way to end by themselves: `mpiexec`
/// would kill them.
struct Elsewhere {
    reserved: Reserved,
    /// Those that are being asked, at most one for each node.
    asking: Vec<Child>,
}

impl Elsewhere {
    fn ask_to_stop(&mut self, attempt: &Attempt) -> io::Result<()> {
        let mut left = Vec::new();
        for mut child in self.asking.drain(..) {
            if child.try_wait()?.is_none() {
                left.push(child);
            }
        }
        self.asking = left;
        if !self.asking.is_empty() {
            return Ok(());
        }
        let program = std::env::current_exe()?;
        for node in self.others() {
            let mut command = self.reserved.command(node)?;
            command.arg(&program);
            command.arg("--stop-ranks").arg(attempt.folder());
            command.stdin(Stdio::null());
            self.asking.push(spawn(apart(command, attempt)?)?);
        }
        Ok(())
    }

    /// Whether one of the nodes does not run programs any more.
    fn is_one_lost(&self, attempt: &Attempt) -> io::Result<bool> {
        let mut asked = Vec::new();
        for node in self.others() {
            let mut command = self.reserved.command(node)?;
            command.arg("true").stdin(Stdio::null());
            asked.push(spawn(apart(command, attempt)?)?);
        }
        let deadline = Instant::now() + LOST_WITHIN;
        for child in &mut asked {
            let status = loop {
                match child.try_wait()? {
                    None if Instant::now() < deadline => std::thread::sleep(LOOK / 10),
                    status => break status,
                }
            };
            if status.and_then(|status| status.code()) == Some(EXIT_NODE_LOST) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The nodes after the first, which is this one.
    fn others(&self) -> impl Iterator<Item = u32> + use<> {
        1..u32::try_from(self.reserved.nodes.len()).unwrap_or(u32::MAX)
    }
}

fn srun_options(world: &World, mpi: &str) -> Vec<String> {
    let mut options = vec![
        format!("--nodes={}", world.nodes.len()),
        format!("--ntasks={}", world.size()),
        "--kill-on-bad-exit=1".to_owned(),
        "--wait=0".to_owned(),
        "--input=none".to_owned(),
        "--quiet".to_owned(),
        format!("--mpi={mpi}"),
    ];
    match world.goes_around() {
        true => options.push("--distribution=cyclic".to_owned()),
        false => {
            options.push("--distribution=block".to_owned());
            options.push(format!("--ntasks-per-node={}", world.processes_per_node));
        }
    }
    // It does not take them from the job.
    let cores = std::env::var("SLURM_CPUS_PER_TASK").ok();
    options.extend(cores.map(|cores| format!("--cpus-per-task={cores}")));
    options
}

/// In a process group of its own, since it would kill the ranks at once if it were asked to stop with
/// the launcher; with a file for what it prints itself.
fn apart(mut command: Command, attempt: &Attempt) -> io::Result<Command> {
    let mut options = fs_err::OpenOptions::new();
    let log = options
        .append(true)
        .create(true)
        .open(attempt.folder().join(LOG))?;
    let log = log.into_parts().0;
    command
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    Ok(command)
}

fn spawn(mut command: Command) -> io::Result<Child> {
    let launcher = rustix::process::getpid();
    #[expect(
        unsafe_code,
        reason = "a child can only be tied to its parent after the fork"
    )]
    // SAFETY: between fork and exec the closure only makes system calls.
    unsafe {
        command.pre_exec(move || tie_to(launcher));
    }
    command.spawn().map_err(|error| {
        let name = command.get_program().to_string_lossy().into_owned();
        io::Error::new(error.kind(), format!("`{name}` cannot be started: {error}"))
    })
}

/// The word for what carries the ranks, in messages.
pub(super) const fn name(by: world::By) -> &'static str {
    match by {
        world::By::Launcher => "the launcher",
        world::By::Mpiexec => "mpiexec",
        world::By::Srun => "srun",
        world::By::Nodes => "a node",
    }
}
