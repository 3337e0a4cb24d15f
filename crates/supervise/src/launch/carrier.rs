//! What carries the ranks: the launcher's own children, `mpiexec`, `srun`, or the nodes of a Ray cluster.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal};
use stepwell_model::Communicator;

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

/// Each process would take itself for the only one.
const NO_MPI: &str = "the step's environment has MPI, whose processes are not started on several nodes \
                      of a Ray cluster: let the step have one node, run it on a Slurm cluster, or have \
                      its processes meet by `MASTER_ADDR`, as with `PyTorchConfiguration`";

/// What is to carry the ranks.
pub(super) enum By {
    Launcher,
    Mpiexec(Utf8PathBuf),
    Srun { mpi: String },
    Nodes(Reserved),
}

impl By {
    pub(super) const fn word(&self) -> world::By {
        match self {
            Self::Launcher => world::By::Launcher,
            Self::Mpiexec(_) => world::By::Mpiexec,
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
        Launcher::Ray if is_mpi && mpiexec(spec).is_some() => {
            return Err(io::Error::other(NO_MPI));
        }
        Launcher::Ray => By::Nodes(Reserved::read()?),
    })
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
            By::Nodes(Reserved { on, .. }) => {
                for number in 0..world.size() {
                    let (first, rest) = on.split_first().ok_or(io::ErrorKind::InvalidInput)?;
                    let mut command = Command::new(first);
                    let node = world.place(number).0.to_string();
                    command.args(rest).arg(node).arg(&program);
                    // The node knows the number of its process.
                    command.args(["--tied", "{parent}"]);
                    command.env("STEPWELL_RANK", number.to_string());
                    children.push(spawn(apart(rank(command), attempt)?)?);
                }
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
                self.end(ranks);
            }
            if wake == Wake::Deadline {
                look = Instant::now() + LOOK;
            }
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
    fn end(&self, ranks: &Ranks) {
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
        world::By::Nodes => "a node",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mpi_on_several_nodes_of_a_ray_cluster_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let mpiexec = folder.path().join("mpiexec");
        fs_err::write(&mpiexec, "").expect("a file");
        let executable = std::fs::Permissions::from_mode(0o700);
        fs_err::set_permissions(&mpiexec, executable).expect("its mode");
        let spec = serde_json::json!({
            "attempt": {"run": "0192f5c4-1111-7222-8333-444455556666", "number": 1},
            "argv": ["python", "train.py"],
            "variables": {"PATH": folder.path()},
            "work_dir": "/work", "files_dir": "/files", "log": "/log", "objects": "/objects",
            "grace_ms": 0,
            "several": {
                "distribution": {"communicator": "mpi"},
                "nodes": 2, "processes_per_node": 1, "launcher": "ray",
                "logs": "/logs", "expands": true,
            },
        });
        let spec: Spec = serde_json::from_value(spec).expect("a specification");
        let several = spec.several.clone().expect("several");
        let refused = by(&spec, &several).err().expect("a refusal").to_string();
        assert!(refused.contains("let the step have one node"), "{refused}");
        let here = Several {
            launcher: Launcher::Here,
            ..several
        };
        assert!(matches!(by(&spec, &here), Ok(By::Mpiexec(_))));
    }
}
