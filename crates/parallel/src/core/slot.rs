//! The place of one worker: who is in it, and what it is doing.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Micros;

/// One worker process: its place, and the number of its life there. The number fences what a
/// worker that was replaced still says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkerId {
    /// Its place, from 0: node by node.
    pub slot: u32,
    /// How many workers the place has had, from 1.
    pub life: u32,
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.life)
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    /// There is none.
    Vacant,
    /// Its process was asked for, and has not said that it is ready.
    Starting,
    /// Ready, with or without mini-batches.
    Working,
    /// Takes no more; goes when it has nothing left.
    Leaving,
    /// Was asked to end.
    Dismissed,
    /// Is being killed.
    Killed,
}

/// A place for a worker.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) node: u32,
    pub(super) life: u32,
    pub(super) activity: Activity,
    /// The mini-batches it was sent, the one it works on first.
    pub(super) batches: VecDeque<u64>,
    /// When the current activity or mini-batch began.
    pub(super) since: Micros,
    /// When it is taken to hang.
    pub(super) deadline: Option<Micros>,
    /// When the timer that stands for the deadline, or for an earlier one, goes off.
    pub(super) timer: Option<Micros>,
    /// Its memory after its first mini-batch, in bytes.
    pub(super) memory_first: Option<u64>,
}

impl Slot {
    pub(super) fn new(node: u32) -> Self {
        Self {
            node,
            life: 0,
            activity: Activity::Vacant,
            batches: VecDeque::new(),
            since: 0,
            deadline: None,
            timer: None,
            memory_first: None,
        }
    }
}

/// A worker as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerView {
    /// The node, from 0.
    pub node: u32,
    /// The worker on it.
    pub worker: WorkerId,
    /// `none`, `starting`, `idle`, `busy` or `leaving`.
    pub state: String,
    /// The mini-batch it works on.
    pub batch: Option<u64>,
    /// For how long, in milliseconds.
    pub for_ms: u64,
}
