//! What carries the ranks: the launcher's own children, `mpiexec` or `srun`.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal};
use stepwell_model::Communicator;

use super::ranks::{self, Ranks};
use super::world::{self, VARIABLE, World};
use crate::folder::{Attempt, Launcher, Several, Spec};
use crate::program::tie_to;
use crate::signals::{Signals, Wake};

/// The file of an attempt for what `mpiexec` and `srun` print.
pub(super) const LOG: &str = "launch.log";

/// How often the ranks' files are looked at, and those asked again that do not end.
const LOOK: Duration = Duration::from_secs(1);

/// What is to carry the ranks.
pub(super) enum By {
    Launcher,
    Mpiexec(Utf8PathBuf),
    Srun { mpi: String },
}

impl By {
    pub(super) const fn word(&self) -> world::By {
        match self {
            Self::Launcher => world::By::Launcher,
            Self::Mpiexec(_) => world::By::Mpiexec,
            Self::Srun { .. } => world::By::Srun,
        }
    }
}

/// What carries the ranks of such a step.
pub(super) fn by(spec: &Spec, several: &Several) -> By {
    let is_mpi = several.distribution.communicator == Communicator::Mpi;
    match several.launcher {
        Launcher::Slurm => By::Srun {
            mpi: match is_mpi {
                true => several.mpi.clone().unwrap_or_else(|| "pmi2".to_owned()),
                false => "none".to_owned(),
            },
        },
        Launcher::Here if is_mpi => match mpiexec(spec) {
            Some(mpiexec) => By::Mpiexec(mpiexec),
            None => {
                eprintln!(
                    "stepwell: the step's environment has no mpiexec: its processes are given their \
                     ranks as variables, and an MPI library does not know of them; `pip install \
                     mpi4py mpich` brings both"
                );
                By::Launcher
            }
        },
        Launcher::Here => By::Launcher,
    }
}

/// The `mpiexec` of the step's environment: beside its interpreter, or on its path.
fn mpiexec(spec: &Spec) -> Option<Utf8PathBuf> {
    let own = spec.variables.get("PATH").cloned();
    let path = own.or_else(|| std::env::var("PATH").ok())?;
    let program = Utf8Path::new(spec.argv.first()?);
    let beside = program.parent().filter(|_| program.is_absolute());
    let folders = path.split(':').map(Utf8Path::new);
    let mut files = beside
        .into_iter()
        .chain(folders)
        .map(|folder| folder.join("mpiexec"));
    files.find(|file| {
        let about = std::fs::metadata(file);
        about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    })
}

/// The processes that carry the ranks.
pub(super) struct Carrier {
    children: Vec<Child>,
    by: world::By,
}

/// How the carrier ended.
pub(super) struct Ended {
    /// Whether the launcher was asked to stop.
    pub(super) asked: bool,
    /// Whether it says that something failed.
    pub(super) failed: bool,
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
        match by {
            By::Launcher => {
                for number in 0..world.size() {
                    let mut command = rank(Command::new(&program));
                    command.env("STEPWELL_RANK", number.to_string());
                    children.push(spawn(command)?);
                }
            }
            By::Mpiexec(mpiexec) => {
                let mut command = Command::new(mpiexec);
                command
                    .arg("-n")
                    .arg(world.size().to_string())
                    .arg(&program);
                of_this_machine(&mut command);
                children.push(spawn(apart(rank(command), attempt)?)?);
            }
            By::Srun { mpi } => {
                let mut command = Command::new("srun");
                command.args(srun_options(world, mpi)).arg(&program);
                children.push(spawn(apart(rank(command), attempt)?)?);
            }
        }
        let by = by.word();
        Ok(Self { children, by })
    }

    /// Waits until all have ended; sees that they do when one failed, when the launcher is asked to
    /// stop, and when only those are left that serve parameters.
    pub(super) fn follow(
        &mut self,
        signals: &Signals,
        ranks: &Ranks,
        world: &World,
    ) -> io::Result<Ended> {
        let mut ended = Ended {
            asked: false,
            failed: false,
        };
        let (mut over, mut look) = (false, Instant::now() + LOOK);
        while !self.children.is_empty() {
            let wake = signals.wait(Some(look))?;
            ended.asked |= wake == Wake::Stop;
            let served = wake == Wake::Deadline
                && world.parameter_servers > 0
                && ranks::all_succeeded(&ranks.ends(), world.workers());
            ended.failed |= self.reap()?;
            let was_over = over;
            // The others see themselves that all end when one fails.
            over |= ended.asked || served || (ended.failed && self.by == world::By::Launcher);
            if over && (!was_over || wake == Wake::Deadline) {
                self.end(ranks);
            }
            if wake == Wake::Deadline {
                look = Instant::now() + LOOK;
            }
        }
        Ok(ended)
    }

    /// Reaps those that have ended; whether one of them failed.
    fn reap(&mut self) -> io::Result<bool> {
        let mut failed = false;
        let mut left = Vec::new();
        for mut child in self.children.drain(..) {
            match child.try_wait()? {
                Some(status) => failed |= !status.success(),
                None => left.push(child),
            }
        }
        self.children = left;
        Ok(failed)
    }

    /// Asks all ranks to end.
    fn end(&self, ranks: &Ranks) {
        let terminate = |pid: Option<Pid>| {
            if let Some(pid) = pid {
                // It may have ended just now.
                let _ = rustix::process::kill_process(pid, Signal::TERM);
            }
        };
        match self.by {
            world::By::Launcher => {
                for child in &self.children {
                    terminate(Some(Pid::from_child(child)));
                }
            }
            world::By::Mpiexec => {
                let processes = ranks.processes();
                for process in processes.iter().filter(|process| process.is_alive()) {
                    terminate(process.raw_pid());
                }
                if processes.is_empty() {
                    self.children
                        .iter()
                        .for_each(|child| terminate(Some(Pid::from_child(child))));
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

/// `mpiexec` is to use this machine alone, as often as it is asked to and whoever asks, and takes no
/// scheduler's word for where it is.
fn of_this_machine(command: &mut Command) {
    command.envs([
        ("HYDRA_LAUNCHER", "fork"),
        ("I_MPI_HYDRA_BOOTSTRAP", "fork"),
        ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
        ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
        ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
    ]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SLURM_") {
            command.env_remove(name);
        }
    }
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
    }
}
