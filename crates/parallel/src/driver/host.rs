//! The program of a host: starts and kills workers on its node as the driver says, until the driver says
//! no more.
//!
//! Invariant: no worker of it is left when it ends, and it ends when its driver does.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use stepwell_supervise::Attempt;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, channel, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval, timeout, timeout_at};

use super::event_loop::GONE_WITHIN;
use super::hosts::SILENT_FOR;
use super::machine::gpus;
use super::place::{Invitation, Local, Placement as _, Role};
use crate::protocol::{self, HostId, HostMessage, HostOrder, WorkerMessage, frame};

/// The command of the `stepwell` program that is a host.
pub const HOST_COMMAND: &str = "host-workers";

/// The file of an attempt's folder that a host finds its driver by.
const FILE: &str = "hosts.json";

/// How often a host says that it is there.
const BEAT: Duration = Duration::from_secs(5);

/// How long the driver may take to be reached.
const REACHED_WITHIN: Duration = Duration::from_secs(30);

/// How many orders may wait to be followed.
const WAITING: usize = 64;

/// What a host needs to know, in a file that only the step's user can read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Summons {
    /// The driver's address, as other nodes reach it.
    pub(crate) address: String,
    /// The driver's secret.
    pub(crate) token: String,
    pub(crate) python: String,
    pub(crate) script: String,
    pub(crate) nodes: u32,
    pub(crate) logs: Utf8PathBuf,
}

impl Summons {
    /// Writes it for the hosts of an attempt.
    pub(crate) fn write(&self, folder: &Utf8Path) -> io::Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_vec(self)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path)?;
        io::Write::write_all(&mut file, &text)?;
        file.sync_all()
    }
}

/// Starts workers on this node for the driver of the attempt in a folder, until that says no more.
///
/// # Errors
/// When the driver cannot be reached, or the attempt's files cannot be read.
pub fn host(folder: &Utf8Path, node: u32, launch: u32) -> io::Result<()> {
    let summons: Summons = serde_json::from_slice(&fs_err::read(folder.join(FILE))?)?;
    let spec = Attempt::open(folder).spec().map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let id = HostId { node, launch };
        let mut host = Host::begin(summons, spec.variables, id).await?;
        let ended = host.work().await;
        host.end_all().await;
        ended
    })
}

struct Host {
    placement: Local,
    ended: UnboundedReceiver<(Role, String)>,
    orders: Receiver<HostOrder>,
    outgoing: OwnedWriteHalf,
    heard: Instant,
}

impl Host {
    /// Connects to the driver and says who this is.
    async fn begin(
        summons: Summons,
        variables: BTreeMap<String, String>,
        id: HostId,
    ) -> io::Result<Self> {
        let connected = timeout(REACHED_WITHIN, TcpStream::connect(&summons.address)).await;
        let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|error| {
            let what = format!(
                "the step's driver at {} is not reached: {error}",
                summons.address
            );
            io::Error::new(error.kind(), what)
        })?;
        stream.set_nodelay(true)?;
        let (reading, mut outgoing) = stream.into_split();
        let hello = WorkerMessage::Hello {
            protocol: protocol::VERSION,
            token: summons.token.clone(),
            worker: id.name(),
            pid: std::process::id(),
        };
        outgoing.write_all(&frame(&hello, b"")).await?;
        let (take, orders) = channel(WAITING);
        tokio::spawn(listen(reading, take));
        let (ended_sender, ended) = unbounded_channel();
        let invitation = Invitation {
            address: summons.address,
            token: summons.token,
            python: summons.python,
            script: summons.script,
            nodes: summons.nodes,
            logs: summons.logs,
            gpus: gpus(),
            variables,
        };
        Ok(Self {
            placement: Local::new(invitation, ended_sender, None),
            ended,
            orders,
            outgoing,
            heard: Instant::now(),
        })
    }

    /// Until the driver has gone, or nothing was heard of it for long.
    async fn work(&mut self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                order = self.orders.recv() => {
                    self.heard = Instant::now();
                    match order {
                        None | Some(HostOrder::End) => return Ok(()),
                        Some(order) => self.follow(order).await?,
                    }
                }
                Some((role, how)) = self.ended.recv() => {
                    self.placement.forget(role);
                    self.report(role, how).await?;
                }
                _ = beat.tick() => {
                    if self.heard.elapsed() > SILENT_FOR {
                        return Err(io::Error::other("the step's driver is silent"));
                    }
                    self.say(&HostMessage::Alive).await?;
                }
            }
        }
    }

    async fn follow(&mut self, order: HostOrder) -> io::Result<()> {
        match order {
            HostOrder::Start {
                worker,
                node,
                process,
            } => {
                let role = Role::Worker(worker, node, process);
                if let Err(error) = self.placement.start(role) {
                    let how = format!("its process could not be started: {error}");
                    return self.report(role, how).await;
                }
            }
            HostOrder::Kill { worker } => self.placement.kill_worker(worker),
            HostOrder::Alive | HostOrder::End => {}
        }
        Ok(())
    }

    async fn report(&mut self, role: Role, how: String) -> io::Result<()> {
        match role {
            Role::Worker(worker, ..) => self.say(&HostMessage::Ended { worker, how }).await,
            Role::Planner => Ok(()),
        }
    }

    async fn say(&mut self, message: &HostMessage) -> io::Result<()> {
        let said = timeout(SILENT_FOR, self.outgoing.write_all(&frame(message, b""))).await;
        said.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Kills what is left and waits for it.
    async fn end_all(&mut self) {
        self.placement.kill_all();
        let until = tokio::time::Instant::now() + GONE_WITHIN;
        while self.placement.any_left() {
            match timeout_at(until, self.ended.recv()).await {
                Ok(Some((role, _))) => self.placement.forget(role),
                _ => return,
            }
        }
    }
}

/// Takes what the driver says, until its connection ends.
async fn listen(reading: OwnedReadHalf, take: tokio::sync::mpsc::Sender<HostOrder>) {
    let mut reading = BufReader::new(reading);
    while let Ok(Some((order, _))) = protocol::read(&mut reading).await {
        if take.send(order).await.is_err() {
            return;
        }
    }
}
