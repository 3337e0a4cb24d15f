//! Where the processes of a step are: on this machine, and through hosts on the other nodes of its job.

use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::WorkerRequest;
use stepwell_supervise::{Attempt, JobNode, Reserved, WarmWorkers, nodes_of_job};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::connections::{HostNews, Reach};
use super::event_loop::Driver;
use super::host::{HOST_COMMAND, Summons};
use super::hosts::{Hosts, Lost};
use super::machine::gpus;
use super::place::{Invitation, Local, Placement, Role};
use super::report::Reporter;
use super::srun::{By, ProgramEnd, Srun};
use super::{Error, PlacedBy};
use crate::ParallelJob;
use crate::core::{Return, SchedulerInput, WorkerId};
use crate::protocol::HostId;

/// The nodes of a step.
pub(crate) struct Nodes {
    /// How many.
    count: u32,
    /// Those of its job, this one first, if there are others than this machine, and what starts
    /// programs there.
    of_job: Option<(Vec<JobNode>, By)>,
}

impl Nodes {
    /// As many as a step asks for.
    pub(crate) fn of(placed_by: PlacedBy, count: u32) -> io::Result<Self> {
        let of_job = match placed_by {
            PlacedBy::Slurm if count > 1 => Some((nodes_of_job()?, By::Srun)),
            PlacedBy::Ray if count > 1 => {
                let Reserved { on, nodes, .. } = Reserved::read()?;
                Some((nodes, By::Ray(on)))
            }
            PlacedBy::Slurm | PlacedBy::Ray | PlacedBy::Here => None,
        };
        let there = of_job
            .as_ref()
            .map_or(count as usize, |(nodes, _)| nodes.len());
        if there < count as usize {
            return Err(io::Error::other(format!(
                "the step is for {count} nodes, and its job has {there}"
            )));
        }
        Ok(Self { count, of_job })
    }

    /// From where workers may come.
    pub(crate) const fn reach(&self) -> Reach {
        match self.of_job {
            Some(_) => Reach::Network,
            None => Reach::ThisMachine,
        }
    }
}

/// Places processes by their nodes.
pub(crate) struct Places {
    here: Local,
    /// Of the nodes that are not this machine.
    hosts: Option<Hosts>,
}

/// What happens to processes, as the places report it.
pub(crate) struct Ends {
    /// Of workers and of the planner, in words.
    pub(crate) processes: UnboundedReceiver<(Role, String)>,
    /// Of the programs of hosts.
    pub(crate) programs: UnboundedReceiver<ProgramEnd>,
}

impl Places {
    /// The places of a step whose driver listens on a port, with its secret.
    pub(crate) fn new(
        job: &ParallelJob,
        python: &str,
        nodes: Nodes,
        (token, port): (String, u16),
        warm: Option<WarmWorkers>,
    ) -> io::Result<(Self, Ends)> {
        let invitation = Invitation {
            address: format!("127.0.0.1:{port}"),
            token,
            python: python.to_owned(),
            script: job.entry_script.clone(),
            nodes: nodes.count,
            logs: job.files.join("logs").join("user"),
            gpus: gpus(),
            variables: BTreeMap::new(),
        };
        let (process_sender, processes) = unbounded_channel();
        let (program_sender, programs) = unbounded_channel();
        let hosts = match nodes.of_job {
            Some(of_job) => {
                let srun = srun(&invitation, of_job, port, program_sender)?;
                Some(Hosts::new(srun, nodes.count, process_sender.clone()))
            }
            None => None,
        };
        let here = Local::new(invitation, process_sender, warm);
        let ends = Ends {
            processes,
            programs,
        };
        Ok((Self { here, hosts }, ends))
    }

    /// The process is gone and was reaped.
    pub(crate) fn forget(&mut self, role: Role) {
        match self.hosts_of(role) {
            Some(hosts) => hosts.forget(role),
            None => self.here.forget(role),
        }
    }

    /// The program of a host is gone.
    fn program_ended(&mut self, end: &ProgramEnd) -> Option<Lost> {
        self.hosts.as_mut()?.program_ended(end)
    }

    /// The last lines that a worker has written to standard error; empty where none are known.
    pub(crate) fn end_of_log(&self, role: Role) -> String {
        self.here.end_of_log(role)
    }

    /// Ends all processes, wherever they are.
    pub(crate) fn end_all(&mut self) {
        self.here.kill_all();
        if let Some(hosts) = &mut self.hosts {
            hosts.end_all();
        }
    }

    /// Whether a process has not been reported gone.
    pub(crate) fn any_left(&self) -> bool {
        self.here.any_left() || self.hosts.as_ref().is_some_and(Hosts::any_program)
    }

    /// The hosts, if the process is on another node.
    fn hosts_of(&mut self, role: Role) -> Option<&mut Hosts> {
        let hosts = self.hosts.as_mut();
        hosts.filter(|_| matches!(role, Role::Worker(_, 1.., _)))
    }
}

impl Placement for Places {
    fn start(&mut self, role: Role) -> io::Result<()> {
        match self.hosts_of(role) {
            Some(hosts) => hosts.start(role, Instant::now()),
            None => self.here.start(role),
        }
    }

    fn kill(&mut self, role: Role) {
        match self.hosts_of(role) {
            Some(hosts) => hosts.kill(role),
            None => self.here.kill(role),
        }
    }
}

/// How hosts are started in this job; what they need to know is written for them.
fn srun(
    invitation: &Invitation,
    (nodes, by): (Vec<JobNode>, By),
    port: u16,
    ended: UnboundedSender<ProgramEnd>,
) -> io::Result<Srun> {
    let folder = attempts_folder()?;
    let first = nodes.first().map_or("127.0.0.1", |node| &node.address);
    let summons = Summons {
        address: format!("{first}:{port}"),
        token: invitation.token.clone(),
        python: invitation.python.clone(),
        script: invitation.script.clone(),
        nodes: invitation.nodes,
        logs: invitation.logs.clone(),
    };
    summons.write(&folder)?;
    let own = std::env::current_exe()?.to_string_lossy().into_owned();
    let program = vec![own, HOST_COMMAND.to_owned(), folder.to_string()];
    let spec = Attempt::open(&*folder).spec().map_err(io::Error::other)?;
    let hidden = spec.variables.into_keys().collect();
    Ok(Srun::new(by, nodes, program, &folder, hidden, ended))
}

/// The folder of the attempt that this is the driver of.
fn attempts_folder() -> io::Result<Utf8PathBuf> {
    let request = std::env::var(WorkerRequest::VARIABLE).unwrap_or_default();
    let folder = Utf8Path::new(&request).parent();
    let folder = folder.filter(|folder| !folder.as_str().is_empty());
    folder.map(Utf8Path::to_owned).ok_or_else(|| {
        io::Error::other(format!(
            "`{}` names no file of an attempt",
            WorkerRequest::VARIABLE
        ))
    })
}

impl Driver<'_> {
    /// Something of one that starts workers on another node.
    pub(super) fn hear_host(&mut self, id: HostId, news: HostNews) -> Result<(), Error> {
        let Some(hosts) = &mut self.placement.hosts else {
            return Ok(());
        };
        let now = Instant::now();
        match news {
            HostNews::Came(outgoing) => hosts.came(id, outgoing, now),
            HostNews::Said(said) => hosts.said(id, said, now),
            HostNews::Left => {
                let lost = hosts.left(id, "its connection has ended");
                return self.lose(lost);
            }
        }
        Ok(())
    }

    /// The program of a host has ended.
    pub(super) fn host_ended(&mut self, end: &ProgramEnd) -> Result<(), Error> {
        let lost = self.placement.program_ended(end);
        self.lose(lost)
    }

    /// Takes nodes for lost of which nothing is heard.
    pub(super) fn look_at_hosts(&mut self) -> Result<(), Error> {
        let hosts = self.placement.hosts.as_mut();
        let silent = hosts.map(|hosts| hosts.silent(Instant::now()));
        silent
            .into_iter()
            .flatten()
            .try_for_each(|lost| self.lose(Some(lost)))
    }

    fn lose(&mut self, lost: Option<Lost>) -> Result<(), Error> {
        let Some(lost) = lost else {
            return Ok(());
        };
        for worker in &lost.workers {
            self.links.remove(worker);
        }
        Reporter::say(&in_words(&lost));
        self.handle(SchedulerInput::NodeLost(lost.node, lost.back))
    }

    /// Kills what is left and waits for it.
    pub(super) async fn end_all(&mut self) {
        self.placement.end_all();
        let until = tokio::time::Instant::now() + super::event_loop::GONE_WITHIN;
        while self.placement.any_left() {
            tokio::select! {
                Some((role, _)) = self.ends.processes.recv() => self.placement.forget(role),
                Some(end) = self.ends.programs.recv() => drop(self.placement.program_ended(&end)),
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }
}

fn in_words(lost: &Lost) -> String {
    let (node, name, how) = (lost.node, &lost.name, &lost.how);
    let next = match lost.back {
        Return::Possible => "it is tried again",
        Return::Never => "it gets no more workers",
    };
    let workers: &[WorkerId] = &lost.workers;
    format!(
        "node {node} ({name}) is lost: {how}; what its {} workers had goes to others, and {next}",
        workers.len()
    )
}
