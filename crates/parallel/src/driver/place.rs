//! Where workers run: the one thing that differs between this machine and a cluster; and those that run
//! on this machine.
//!
//! Whatever starts a worker gives it the three variables of the [`protocol`] and
//! the step's working folder and environment; from then on driver and worker talk over TCP.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal};
use stepwell_model::WorkerRequest;
use stepwell_supervise::WarmWorkers;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedSender;

use super::machine::VISIBLE_GPUS;
use super::warm::WarmPlace;
use crate::core::WorkerId;
use crate::protocol;

/// The variables that are the driver's alone.
pub(super) const HIDDEN: [&str; 2] = [WorkerRequest::VARIABLE, WorkerRequest::FAILURE_VARIABLE];

/// The streams of a worker that have a log each.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// How much of the end of a log is read.
const LOG_END_BYTES: u64 = 4 << 10;

/// Who a process is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// A worker, its node and its number there.
    Worker(WorkerId, u32, u32),
    /// The process that cuts tables.
    Planner,
}

/// A place where workers can be started.
pub(crate) trait Placement {
    /// Starts the process. That it has ended is sent through the channel the placement was made
    /// with, in any case once.
    fn start(&mut self, role: Role) -> io::Result<()>;

    /// Kills the process and all it has started. One that is gone is left in peace.
    fn kill(&mut self, role: Role);
}

/// What a process needs, whoever starts it.
#[derive(Debug, Clone)]
pub(crate) struct Invitation {
    /// The driver's address.
    pub(crate) address: String,
    /// The driver's secret.
    pub(crate) token: String,
    /// The interpreter of the step's environment.
    pub(crate) python: String,
    /// How many nodes there are.
    pub(crate) nodes: u32,
    /// The folder of the logs of all workers: `logs/user` of the run.
    pub(crate) logs: Utf8PathBuf,
    /// The entry script, relative to the working folder.
    pub(crate) script: String,
    /// The GPUs of a node, as `CUDA_VISIBLE_DEVICES` names them.
    pub(crate) gpus: Vec<String>,
    /// Variables of the step that whoever starts the process does not have itself.
    pub(crate) variables: BTreeMap<String, String>,
}

/// Processes of this machine, in the driver's working folder. They die with the driver.
pub(crate) struct Local {
    invitation: Invitation,
    ended: UnboundedSender<(Role, String)>,
    processes: HashMap<Role, Pid>,
    /// The loaded interpreter that the driver was lent.
    warm: Option<WarmPlace>,
}

impl Local {
    /// Ends are sent through `ended`, in words.
    pub(crate) fn new(
        invitation: Invitation,
        ended: UnboundedSender<(Role, String)>,
        warm: Option<WarmWorkers>,
    ) -> Self {
        let warm = warm.and_then(|workers| WarmPlace::of(workers, ended.clone()));
        Self {
            invitation,
            ended,
            processes: HashMap::new(),
            warm,
        }
    }

    /// The variables that a process has beside the driver's own.
    fn variables(&self, role: Role) -> BTreeMap<String, String> {
        let Invitation {
            address,
            token,
            nodes,
            gpus,
            ..
        } = &self.invitation;
        let worker = match role {
            Role::Planner => protocol::PLANNER.to_owned(),
            Role::Worker(worker, ..) => worker.to_string(),
        };
        let mut variables = vec![
            (protocol::DRIVER, address.clone()),
            (protocol::TOKEN, token.clone()),
            (protocol::WORKER, worker),
        ];
        if let Role::Worker(_, node, process) = role {
            variables.push(("AZ_BATCHAI_TASK_INDEX", node.to_string()));
            variables.push(("AZUREML_NODE_COUNT", nodes.to_string()));
            variables.push(("AZ_BATCHAI_GPU_COUNT_FOUND", gpus.len().to_string()));
            if !gpus.is_empty() {
                let mine = gpus[process as usize % gpus.len()].clone();
                variables.push((VISIBLE_GPUS, mine));
            }
        }
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        variables.into_iter().map(owned).collect()
    }

    fn command(&self, role: Role) -> io::Result<Command> {
        let Invitation { python, logs, .. } = &self.invitation;
        let mut command = Command::new(python);
        command
            .args(["-m", "stepwell._parallel"])
            .env_remove(WarmWorkers::VARIABLE)
            .envs(&self.invitation.variables)
            .envs(self.variables(role))
            .stdin(Stdio::null())
            .process_group(0);
        for name in HIDDEN {
            command.env_remove(name);
        }
        if let Role::Worker(_, node, process) = role {
            let log = |stream: &str| open_log(logs, stream, node, process);
            command.stdout(log("stdout")?).stderr(log("stderr")?);
        }
        tie(&mut command);
        Ok(command)
    }

    /// The process as a fork of the interpreter that the driver was lent; `None` if it must start cold.
    fn start_warm(&mut self, role: Role) -> io::Result<Option<Pid>> {
        if self.warm.is_none() {
            return Ok(None);
        }
        let logs = match role {
            // Its log is that of the step.
            Role::Planner => {
                let own = std::process::id();
                ["1", "2"].map(|stream| format!("/proc/{own}/fd/{stream}"))
            }
            Role::Worker(_, node, process) => {
                for stream in STREAMS {
                    open_log(&self.invitation.logs, stream, node, process)?;
                }
                let path = |stream| log_path(&self.invitation.logs, stream, node, process);
                STREAMS.map(|stream| path(stream).into_string())
            }
        };
        let variables = self.variables(role);
        let has_own_gpu = variables.contains_key(VISIBLE_GPUS);
        let Some(warm) = &mut self.warm else {
            return Ok(None);
        };
        if has_own_gpu {
            warm.workers.complain("each worker has a GPU of its own");
            return Ok(None);
        }
        let invitation = &self.invitation;
        Ok(warm.start(
            role,
            &invitation.python,
            &invitation.script,
            &logs,
            &variables,
        ))
    }
}

/// The process dies with this one, whatever it is doing.
#[expect(
    unsafe_code,
    reason = "a child can only be tied to its parent after the fork"
)]
pub(super) fn tie(command: &mut Command) {
    let driver = rustix::process::getpid();
    // SAFETY: between fork and exec the closure only makes system calls; it allocates nothing.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // It may have died before it was listened to.
            if rustix::process::getppid() != Some(driver) {
                rustix::process::kill_process(rustix::process::getpid(), Signal::KILL)?;
            }
            Ok(())
        });
    }
}

impl Placement for Local {
    fn start(&mut self, role: Role) -> io::Result<()> {
        if let Some(pid) = self.start_warm(role)? {
            self.processes.insert(role, pid);
            return Ok(());
        }
        let child = self.command(role)?.spawn()?;
        if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            self.processes.insert(role, pid);
        }
        tokio::spawn(wait(child, role, self.ended.clone()));
        Ok(())
    }

    fn kill(&mut self, role: Role) {
        if let Some(group) = self.processes.get(&role) {
            let _ = rustix::process::kill_process_group(*group, Signal::KILL);
        }
    }
}

impl Local {
    /// Kills every process.
    pub(crate) fn kill_all(&mut self) {
        for role in self.processes.keys().copied().collect::<Vec<_>>() {
            self.kill(role);
        }
    }

    /// Kills the process of a worker, if it has one.
    pub(crate) fn kill_worker(&mut self, worker: WorkerId) {
        let mut roles = self.processes.keys();
        let role = roles.find(|role| matches!(role, Role::Worker(other, ..) if *other == worker));
        if let Some(role) = role.copied() {
            self.kill(role);
        }
    }

    /// The last lines that a worker has written to standard error; empty where none are known.
    pub(crate) fn end_of_log(&self, role: Role) -> String {
        let Role::Worker(_, node, process) = role else {
            return String::new();
        };
        let path = log_path(&self.invitation.logs, "stderr", node, process);
        let read = |path: &Utf8Path| -> io::Result<String> {
            let mut file = fs_err::File::open(path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_END_BYTES)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read(&path).unwrap_or_default()
    }

    /// Whether a process has not been reported gone.
    pub(crate) fn any_left(&self) -> bool {
        !self.processes.is_empty()
    }

    /// The process is gone and was reaped: its number may come to mean another one.
    pub(crate) fn forget(&mut self, role: Role) {
        self.processes.remove(&role);
    }
}

/// Waits for the end of a process, kills what it has left, and reports it.
async fn wait(mut child: Child, role: Role, ended: UnboundedSender<(Role, String)>) {
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let how = match child.wait().await {
        Ok(status) => in_words(status),
        Err(error) => format!("its process cannot be awaited: {error}"),
    };
    if let Some(group) = group {
        // Its own number is free, but a group keeps it as long as a member lives.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    // The driver may be at its end.
    let _ = ended.send((role, how));
}

pub(super) fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the worker's process exited with status {code}"),
        (None, Some(9)) => {
            "the worker's process was killed (SIGKILL): by the out-of-memory killer, mostly"
                .to_owned()
        }
        (None, signal) => format!(
            "the worker's process was ended by signal {}",
            signal.unwrap_or_default()
        ),
    }
}

/// `stdout/0/process000.stdout.txt`, as in v1.
fn log_path(logs: &Utf8Path, stream: &str, node: u32, process: u32) -> Utf8PathBuf {
    let folder = logs.join(stream).join(node.to_string());
    folder.join(format!("process{process:03}.{stream}.txt"))
}

/// Opens a log. Processes that follow each other in one place write to one file.
fn open_log(logs: &Utf8Path, stream: &str, node: u32, process: u32) -> io::Result<Stdio> {
    let path = log_path(logs, stream, node, process);
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    append_to(&path)
}

/// A file as what a process prints to.
pub(super) fn append_to(path: &Utf8Path) -> io::Result<Stdio> {
    let mut options = fs_err::OpenOptions::new();
    let file = options.append(true).create(true).open(path)?;
    Ok(file.into_parts().0.into())
}
