//! The hosts, which start workers on the nodes that are not the driver's own: one on each node, started
//! when the first worker is to be placed there, and again when it is lost, some times.
//!
//! A host is known by its node and the number of its launch there, which fences what one that was taken
//! for lost still says. What must be known of workers is kept here too: a host that is lost takes them
//! with it.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::place::Role;
use super::srun::{ProgramEnd, Srun};
use crate::core::{Return, WorkerId};
use crate::protocol::{HostId, HostMessage, HostOrder, frame};

/// How long a host may take to come.
const COMES_WITHIN: Duration = Duration::from_secs(120);

/// After how long without a word one is taken for gone.
pub(crate) const SILENT_FOR: Duration = Duration::from_secs(60);

/// How often a host is started on one node.
const LAUNCHES: u32 = 3;

/// What starts and ends the program of a host.
pub(crate) trait Launch {
    /// Starts it; its end is reported to whoever made this.
    fn launch(&mut self, host: HostId) -> io::Result<()>;

    /// Ends it.
    fn end(&mut self, host: HostId);

    /// What people call the node.
    fn name(&self, node: u32) -> String;
}

/// A node that is lost.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) node: u32,
    /// What people call it.
    pub(crate) name: String,
    /// Why it counts as lost.
    pub(crate) how: String,
    pub(crate) back: Return,
    /// The workers that it had, or was to start.
    pub(crate) workers: Vec<WorkerId>,
}

enum Host {
    /// There is none.
    None,
    /// It was started; what it is to start waits.
    Coming { since: Instant, waiting: Vec<Role> },
    /// It is connected.
    Here {
        outgoing: UnboundedSender<Vec<u8>>,
        heard: Instant,
    },
}

struct Node {
    launches: u32,
    host: Host,
    /// The workers that have not been reported gone.
    workers: HashSet<Role>,
}

/// All of them.
pub(crate) struct Hosts<L = Srun> {
    launcher: L,
    /// From node 1 on.
    nodes: Vec<Node>,
    ended: UnboundedSender<(Role, String)>,
}

impl<L: Launch> Hosts<L> {
    /// For a step of so many nodes; the ends of workers are sent through `ended`.
    pub(crate) fn new(launcher: L, nodes: u32, ended: UnboundedSender<(Role, String)>) -> Self {
        let node = |_| Node {
            launches: 0,
            host: Host::None,
            workers: HashSet::new(),
        };
        Self {
            launcher,
            nodes: (1..nodes).map(node).collect(),
            ended,
        }
    }

    fn node(&mut self, node: u32) -> Option<&mut Node> {
        self.nodes.get_mut(node.checked_sub(1)? as usize)
    }

    /// Has a worker started on its node.
    pub(crate) fn start(&mut self, role: Role, now: Instant) -> io::Result<()> {
        let Role::Worker(worker, number, process) = role else {
            return Err(io::Error::other("only workers are started on other nodes"));
        };
        let no_node = || io::Error::other(format!("the step has no node {number}"));
        let node = self.node(number).ok_or_else(no_node)?;
        match &mut node.host {
            Host::Here { outgoing, .. } => order(outgoing, &start_of(worker, number, process)),
            Host::Coming { waiting, .. } => waiting.push(role),
            Host::None => {
                node.launches += 1;
                let launch = node.launches;
                self.launcher.launch(HostId {
                    node: number,
                    launch,
                })?;
                let waiting = vec![role];
                let node = self.node(number).ok_or_else(no_node)?;
                node.host = Host::Coming {
                    since: now,
                    waiting,
                };
            }
        }
        self.node(number).ok_or_else(no_node)?.workers.insert(role);
        Ok(())
    }

    /// Has a worker killed. Its end is reported as any is.
    pub(crate) fn kill(&mut self, role: Role) {
        let Role::Worker(worker, number, _) = role else {
            return;
        };
        let ended = self.ended.clone();
        let Some(node) = self
            .node(number)
            .filter(|node| node.workers.contains(&role))
        else {
            return;
        };
        match &mut node.host {
            Host::Here { outgoing, .. } => order(outgoing, &HostOrder::Kill { worker }),
            Host::Coming { waiting, .. } => {
                waiting.retain(|other| *other != role);
                // The driver may be at its end.
                let _ = ended.send((role, "it was not needed any more".to_owned()));
            }
            Host::None => {}
        }
    }

    /// The process of a worker is known to be gone.
    pub(crate) fn forget(&mut self, role: Role) {
        if let Role::Worker(_, number, _) = role
            && let Some(node) = self.node(number)
        {
            node.workers.remove(&role);
        }
    }

    /// A host has connected.
    pub(crate) fn came(&mut self, id: HostId, outgoing: UnboundedSender<Vec<u8>>, now: Instant) {
        let Some(node) = self.current(id) else {
            return; // it sees that nobody listens
        };
        if let Host::Coming { waiting, .. } = &mut node.host {
            for role in std::mem::take(waiting) {
                if let Role::Worker(worker, number, process) = role {
                    order(&outgoing, &start_of(worker, number, process));
                }
            }
            node.host = Host::Here {
                outgoing,
                heard: now,
            };
        }
    }

    /// A host has said something.
    pub(crate) fn said(&mut self, id: HostId, said: HostMessage, now: Instant) {
        let ended = self.ended.clone();
        let Some(Node {
            host: Host::Here { outgoing, heard },
            workers,
            ..
        }) = self.current(id)
        else {
            return;
        };
        *heard = now;
        match said {
            HostMessage::Alive => order(outgoing, &HostOrder::Alive),
            HostMessage::Ended { worker, how } => {
                let of_it =
                    |role: &&Role| matches!(role, Role::Worker(other, ..) if *other == worker);
                if let Some(role) = workers.iter().find(of_it) {
                    // The driver may be at its end.
                    let _ = ended.send((*role, how));
                }
            }
        }
    }

    /// The node of a host that is not taken for lost.
    fn current(&mut self, id: HostId) -> Option<&mut Node> {
        self.node(id.node).filter(|node| node.launches == id.launch)
    }

    /// A host's connection or its program has ended: its node is lost, unless it was before.
    pub(crate) fn left(&mut self, id: HostId, how: &str) -> Option<Lost> {
        let is_there = |node: &&mut Node| !matches!(node.host, Host::None);
        self.current(id).filter(is_there)?;
        self.lose(id.node, how)
    }

    /// Those whose hosts have not come, or have not said anything, for too long.
    pub(crate) fn silent(&mut self, now: Instant) -> Vec<Lost> {
        let seconds = |limit: Duration| limit.as_secs();
        let why = |host: &Host| match host {
            Host::Coming { since, .. } if now.duration_since(*since) > COMES_WITHIN => {
                Some(format!(
                    "nothing could be started there within {} seconds",
                    seconds(COMES_WITHIN)
                ))
            }
            Host::Here { heard, .. } if now.duration_since(*heard) > SILENT_FOR => Some(format!(
                "nothing was heard of it for {} seconds",
                seconds(SILENT_FOR)
            )),
            _ => None,
        };
        let numbers = (1..).zip(&self.nodes);
        let silent: Vec<(u32, String)> = numbers
            .filter_map(|(number, node)| Some((number, why(&node.host)?)))
            .collect();
        let lost = silent.into_iter();
        lost.filter_map(|(number, how)| self.lose(number, &how))
            .collect()
    }

    fn lose(&mut self, number: u32, how: &str) -> Option<Lost> {
        let node = self.node(number)?;
        node.host = Host::None;
        let launch = node.launches;
        let back = match launch < LAUNCHES {
            true => Return::Possible,
            false => Return::Never,
        };
        let workers = node.workers.drain();
        let workers = workers.filter_map(|role| match role {
            Role::Worker(worker, ..) => Some(worker),
            Role::Planner => None,
        });
        let workers = workers.collect();
        self.launcher.end(HostId {
            node: number,
            launch,
        });
        Some(Lost {
            node: number,
            name: self.launcher.name(number),
            how: how.to_owned(),
            back,
            workers,
        })
    }

    /// Ends all hosts with their workers.
    pub(crate) fn end_all(&mut self) {
        for (number, node) in (1..).zip(&mut self.nodes) {
            match std::mem::replace(&mut node.host, Host::None) {
                Host::Here { outgoing, .. } => order(&outgoing, &HostOrder::End),
                Host::Coming { .. } => self.launcher.end(HostId {
                    node: number,
                    launch: node.launches,
                }),
                Host::None => {}
            }
            node.workers.clear();
        }
    }
}

impl Hosts<Srun> {
    /// Whether a program of theirs has not been reported ended.
    pub(crate) fn any_program(&self) -> bool {
        self.launcher.any_left()
    }

    /// A program of theirs has ended.
    pub(crate) fn program_ended(&mut self, end: &ProgramEnd) -> Option<Lost> {
        self.launcher.forget(end.host);
        self.left(end.host, &end.how)
    }
}

const fn start_of(worker: WorkerId, node: u32, process: u32) -> HostOrder {
    HostOrder::Start {
        worker,
        node,
        process,
    }
}

/// One that has gone is noticed when its connection ends.
fn order(outgoing: &UnboundedSender<Vec<u8>>, order: &HostOrder) {
    let _ = outgoing.send(frame(order, b""));
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    /// Notes down what is started and ended.
    #[derive(Default)]
    struct Noted(Vec<String>);

    impl Launch for Noted {
        fn launch(&mut self, host: HostId) -> io::Result<()> {
            self.0.push(format!("start {}", host.name()));
            Ok(())
        }

        fn end(&mut self, host: HostId) {
            self.0.push(format!("end {}", host.name()));
        }

        fn name(&self, node: u32) -> String {
            format!("n{}", node + 1)
        }
    }

    type Ends = UnboundedReceiver<(Role, String)>;

    fn hosts() -> (Hosts<Noted>, Ends) {
        let (outgoing, ended) = unbounded_channel();
        (Hosts::new(Noted::default(), 2, outgoing), ended)
    }

    fn worker(slot: u32) -> WorkerId {
        WorkerId { slot, life: 1 }
    }

    fn role(slot: u32) -> Role {
        Role::Worker(worker(slot), 1, slot - 2)
    }

    const FIRST: HostId = HostId { node: 1, launch: 1 };

    /// The orders that a host was given, without their lengths.
    fn orders(sent: &mut UnboundedReceiver<Vec<u8>>) -> Vec<HostOrder> {
        let sent = std::iter::from_fn(|| sent.try_recv().ok());
        sent.map(|bytes| serde_json::from_slice(&bytes[8..]).expect("an order"))
            .collect()
    }

    #[test]
    fn one_host_starts_all_workers_of_its_node() {
        let (mut hosts, mut ended) = hosts();
        let now = Instant::now();
        hosts.start(role(2), now).expect("asked for");
        hosts.start(role(3), now).expect("asked for");
        hosts.kill(role(3));
        let (gone, _) = ended.try_recv().expect("it had not begun");
        hosts.forget(gone);
        assert_eq!((gone, hosts.launcher.0.len()), (role(3), 1));
        let (outgoing, mut sent) = unbounded_channel();
        hosts.came(FIRST, outgoing, now);
        hosts.start(role(3), now).expect("asked for");
        hosts.kill(role(2));
        let expected = [
            start_of(worker(2), 1, 0),
            start_of(worker(3), 1, 1),
            HostOrder::Kill { worker: worker(2) },
        ];
        assert_eq!(orders(&mut sent), expected);
        let how = "killed".to_owned();
        let said = HostMessage::Ended {
            worker: worker(2),
            how,
        };
        hosts.said(FIRST, said, now);
        assert_eq!(ended.try_recv().map(|(role, _)| role), Ok(role(2)));
    }

    #[test]
    fn a_lost_host_takes_its_workers_with_it_and_is_started_three_times() {
        let (mut hosts, mut ended) = hosts();
        let now = Instant::now();
        for launch in 1..=LAUNCHES {
            let id = HostId { node: 1, launch };
            hosts.start(role(2), now).expect("asked for");
            let (outgoing, mut sent) = unbounded_channel();
            hosts.came(id, outgoing.clone(), now);
            assert_eq!(orders(&mut sent).len(), 1);
            let lost = hosts.left(id, "gone").expect("it is lost");
            let back = match launch {
                LAUNCHES => Return::Never,
                _ => Return::Possible,
            };
            assert_eq!((lost.back, lost.workers), (back, vec![worker(2)]));
            assert_eq!(lost.name, "n2");
            assert_eq!(hosts.left(id, "its program too"), None);
            // What was taken for lost is not heard any more.
            hosts.came(id, outgoing, now);
            let how = "late".to_owned();
            let said = HostMessage::Ended {
                worker: worker(2),
                how,
            };
            hosts.said(id, said, now);
            assert!(ended.try_recv().is_err());
        }
        assert_eq!(hosts.launcher.0.len(), 6, "{:?}", hosts.launcher.0);
    }

    #[test]
    fn a_host_that_does_not_come_or_is_silent_is_lost() {
        let (mut hosts, _ended) = hosts();
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        hosts.start(role(2), began).expect("asked for");
        assert_eq!(hosts.silent(after(120)), []);
        let lost = hosts.silent(after(121));
        assert_eq!(
            lost[0].how,
            "nothing could be started there within 120 seconds"
        );
        hosts.start(role(2), after(121)).expect("asked for");
        let (outgoing, mut sent) = unbounded_channel();
        let second = HostId { node: 1, launch: 2 };
        hosts.came(second, outgoing, after(122));
        hosts.said(second, HostMessage::Alive, after(150));
        assert_eq!(
            orders(&mut sent).pop(),
            Some(HostOrder::Alive),
            "it is answered"
        );
        assert_eq!(hosts.silent(after(210)), []);
        let lost = hosts.silent(after(211));
        assert_eq!(lost[0].how, "nothing was heard of it for 60 seconds");
    }
}
