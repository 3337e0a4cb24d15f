//! The programs of hosts as tasks of Slurm's, or as what the nodes run that Ray has reserved, in the job
//! that the driver is part of.
//!
//! With Slurm each is a step of the job of its own, so that a node that is lost ends no other. What is
//! handed from node to node holds nothing of the step's variables: a host reads those, and the driver's secret,
//! from files of the attempt's folder.

use std::collections::HashMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal};
use stepwell_supervise::{JobNode, WarmWorkers};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use super::hosts::Launch;
use super::place::{append_to, tie};
use crate::protocol::HostId;

/// How long one may take to end that was asked to.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// What `srun` would take from the job, where it is about the tasks of the job itself.
const OF_THE_JOB: [&str; 4] = [
    "SLURM_NPROCS",
    "SLURM_NTASKS",
    "SLURM_NTASKS_PER_NODE",
    "SLURM_TASKS_PER_NODE",
];

/// That such a program has ended.
#[derive(Debug)]
pub(crate) struct ProgramEnd {
    pub(crate) host: HostId,
    /// In words.
    pub(crate) how: String,
}

/// What starts a program on another node.
#[derive(Debug, Clone)]
pub(crate) enum By {
    /// `srun`.
    Srun,
    /// The nodes that Ray has reserved: by this command, which the number of the node follows.
    Ray(Vec<String>),
}

/// Starts hosts by `srun`, or by what Ray has instead.
pub(crate) struct Srun {
    by: By,
    /// The nodes of the job, the driver's own first.
    nodes: Vec<JobNode>,
    /// The command line of a host, but for its id.
    program: Vec<String>,
    /// The attempt's folder, for what is printed.
    folder: Utf8PathBuf,
    /// The names of the step's own variables.
    hidden: Vec<String>,
    /// Those that have not been reported ended, each with the bell that asks it to.
    running: HashMap<(u32, u32), Arc<Notify>>,
    ended: UnboundedSender<ProgramEnd>,
}

impl By {
    fn program(&self) -> &str {
        match self {
            Self::Srun => "srun",
            Self::Ray(on) => on.first().map_or("python", String::as_str),
        }
    }
}

impl Srun {
    /// In this job; ends are sent through `ended`.
    pub(crate) fn new(
        by: By,
        nodes: Vec<JobNode>,
        program: Vec<String>,
        folder: &Utf8Path,
        hidden: Vec<String>,
        ended: UnboundedSender<ProgramEnd>,
    ) -> Self {
        Self {
            by,
            nodes,
            program,
            folder: folder.to_owned(),
            hidden,
            running: HashMap::new(),
            ended,
        }
    }

    fn command(&self, host: HostId, log: &Utf8Path) -> io::Result<Command> {
        let mut command = match &self.by {
            By::Srun => {
                let mut command = Command::new("srun");
                command.args(options(&self.name(host.node)));
                command
            }
            By::Ray(on) => {
                let (program, rest) = on.split_first().ok_or(io::ErrorKind::InvalidInput)?;
                let mut command = Command::new(program);
                command.args(rest).arg(host.node.to_string());
                command
            }
        };
        command
            .args(&self.program)
            .args([host.node.to_string(), host.launch.to_string()])
            .env_remove(WarmWorkers::VARIABLE)
            .stdin(Stdio::null())
            .stdout(append_to(log)?)
            .stderr(append_to(log)?)
            .process_group(0);
        for name in OF_THE_JOB {
            command.env_remove(name);
        }
        for name in self.hidden.iter().filter(|name| *name != "PATH") {
            command.env_remove(name);
        }
        tie(&mut command);
        Ok(command)
    }

    /// Whether one has not been reported ended.
    pub(crate) fn any_left(&self) -> bool {
        !self.running.is_empty()
    }

    /// It has been reported ended.
    pub(crate) fn forget(&mut self, host: HostId) {
        self.running.remove(&(host.node, host.launch));
    }
}

impl Launch for Srun {
    fn launch(&mut self, host: HostId) -> io::Result<()> {
        let log = self.folder.join(format!("host-{}.log", host.node));
        let child = self.command(host, &log)?.spawn();
        let child = child.map_err(|error| {
            let program = self.by.program();
            io::Error::new(
                error.kind(),
                format!("`{program}` cannot be started: {error}"),
            )
        })?;
        let end = Arc::<Notify>::default();
        self.running
            .insert((host.node, host.launch), Arc::clone(&end));
        let named = (self.by.program().to_owned(), log);
        tokio::spawn(wait(child, host, named, end, self.ended.clone()));
        Ok(())
    }

    fn end(&mut self, host: HostId) {
        if let Some(end) = self.running.get(&(host.node, host.launch)) {
            end.notify_one();
        }
    }

    fn name(&self, node: u32) -> String {
        let known = self.nodes.get(node as usize);
        known.map_or_else(|| node.to_string(), |node| node.name.clone())
    }
}

/// One task that has all of its node that the job has.
fn options(node: &str) -> Vec<String> {
    vec![
        format!("--nodelist={node}"),
        "--nodes=1".to_owned(),
        "--ntasks=1".to_owned(),
        "--overlap".to_owned(),
        "--cpu-bind=none".to_owned(),
        "--mpi=none".to_owned(),
        "--input=none".to_owned(),
        "--quiet".to_owned(),
    ]
}

/// Waits for the end of a program, and reports it.
async fn wait(
    mut child: Child,
    host: HostId,
    (program, log): (String, Utf8PathBuf),
    end: Arc<Notify>,
    ended: UnboundedSender<ProgramEnd>,
) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = end.notified() => {
            if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
                // It passes this on to its task.
                let _ = rustix::process::kill_process(pid, Signal::TERM);
            }
            if timeout(ENDS_WITHIN, child.wait()).await.is_err() {
                let _ = child.start_kill();
            }
            child.wait().await
        }
    };
    let how = in_words(&program, status, &log);
    // The driver may be at its end.
    let _ = ended.send(ProgramEnd { host, how });
}

/// How it ended, with the last line that it has printed.
fn in_words(program: &str, status: io::Result<ExitStatus>, log: &Utf8Path) -> String {
    let status = match status {
        Ok(status) => format!("`{program}` ended ({status})"),
        Err(error) => format!("`{program}` cannot be awaited: {error}"),
    };
    let printed = fs_err::read_to_string(log).unwrap_or_default();
    match printed.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => format!("{status}: {}", line.trim()),
        None => status,
    }
}
