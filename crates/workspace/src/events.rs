//! What becomes of runs, as it happens: of one run and its steps, of the children of one, or of all
//! runs.
//!
//! Invariant: a follower gives every change after its beginning once, in the order of the journal,
//! however slow its reader is. A live change is only a sign that there is something to read: those of runs
//! that the engine schedules and those of interactive runs are published beside each other, and
//! only the journal has their order.

use std::collections::VecDeque;
use std::sync::Arc;

use stepwell_model::RunId;
use stepwell_store::journal::{self, Change};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::core::Core;
use crate::runs::{Runs, scheduled};
use crate::{Error, Result};

/// How many events are read at a time.
const READ_MAX: usize = 500;

/// The events of a workspace; cheap to clone.
#[derive(Clone)]
pub struct Events {
    core: Arc<Core>,
    runs: Runs,
}

impl Events {
    pub(crate) fn new(core: Arc<Core>, runs: Runs) -> Self {
        Self { core, runs }
    }

    /// Follows a run and its steps, or one step, after an event; until it is over.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn of_run(&self, run: RunId, after: i64) -> Result<Follower> {
        // Watched first, so that nothing between both is missed.
        let live = self.core.engine.watch();
        let record = self.runs.get(run).await?;
        let root = scheduled(&record);
        Ok(Follower {
            core: Arc::clone(&self.core),
            live,
            scope: Scope::Run {
                root,
                only: (root != record.id).then_some(record.id),
            },
            after,
            waiting: VecDeque::new(),
            behind: true,
            // What is over by now has all its events in the journal.
            ends_with_journal: record.status.is_terminal(),
            over: false,
        })
    }

    /// Follows all runs after an event; from now on without one. Without `follow` it ends with what
    /// is in the journal.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_all(&self, after: Option<i64>, follow: bool) -> Result<Follower> {
        let live = self.core.engine.watch();
        let after = match after {
            Some(after) => after,
            None => self.core.store.read(journal::newest).await?,
        };
        Ok(self.endless(Scope::All, live, after, follow))
    }

    /// Follows the runs that were submitted as children of one, without their steps: after an event,
    /// else from the first child on. Without `follow` it ends with what is in the journal. With
    /// `only_ends` it gives nothing but the ends.
    ///
    /// # Errors
    /// When there is no such parent.
    pub async fn of_children(
        &self,
        parent: RunId,
        after: Option<i64>,
        follow: bool,
        only_ends: bool,
    ) -> Result<Follower> {
        let live = self.core.engine.watch();
        let root = scheduled(&self.runs.get(parent).await?);
        let after = match after {
            Some(after) => after,
            None => {
                self.core
                    .store
                    .read(move |db| journal::before(db, root))
                    .await?
            }
        };
        let scope = Scope::Children { parent, only_ends };
        Ok(self.endless(scope, live, after, follow))
    }

    fn endless(
        &self,
        scope: Scope,
        live: Receiver<Arc<[Change]>>,
        after: i64,
        follow: bool,
    ) -> Follower {
        Follower {
            core: Arc::clone(&self.core),
            live,
            scope,
            after,
            waiting: VecDeque::new(),
            behind: true,
            ends_with_journal: !follow,
            over: false,
        }
    }
}

/// Whose changes are followed.
#[derive(Debug, Clone, Copy)]
enum Scope {
    /// Those of all runs.
    All,
    /// Those of the runs whose parent is one, without their steps.
    Children { parent: RunId, only_ends: bool },
    /// Those in the journal of one run, or of one step there.
    Run { root: RunId, only: Option<RunId> },
}

impl Scope {
    /// Whether a change may be one of these: of children only the journal knows.
    fn may_hold(self, change: &Change) -> bool {
        match self {
            Self::All => true,
            Self::Children { only_ends, .. } => {
                change.step.is_none() && (!only_ends || change.status.is_terminal())
            }
            Self::Run { root, only } => {
                change.root == root && only.is_none_or(|only| only == change.run)
            }
        }
    }

    /// Whether nothing can follow this change.
    fn ends_with(self, change: &Change) -> bool {
        match self {
            Self::All | Self::Children { .. } => false,
            Self::Run { root, only } => {
                change.run == only.unwrap_or(root) && change.status.is_terminal()
            }
        }
    }
}

/// Gives one change after the other.
pub struct Follower {
    core: Arc<Core>,
    live: Receiver<Arc<[Change]>>,
    scope: Scope,
    after: i64,
    waiting: VecDeque<Change>,
    /// Whether the journal has something that was not read.
    behind: bool,
    ends_with_journal: bool,
    over: bool,
}

impl Follower {
    /// The next change; `None` when the run is over, or the server stops.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            if self.over && self.waiting.is_empty() {
                return None;
            }
            if let Some(change) = self.waiting.pop_front() {
                self.over |= self.scope.ends_with(&change);
                return Some(change);
            }
            if self.behind {
                self.read().await.ok()?;
            } else if self.ends_with_journal {
                return None;
            } else {
                self.behind = self.wait().await?;
            }
        }
    }

    /// Reads on in the journal.
    async fn read(&mut self) -> Result<(), Error> {
        let (after, scope) = (self.after, self.scope);
        let read = move |db: &_| match scope {
            Scope::All => journal::all_changes_after(db, after, READ_MAX),
            Scope::Children { parent, only_ends } => {
                journal::child_changes_after(db, parent, only_ends, after, READ_MAX)
            }
            Scope::Run { root, .. } => {
                let changes = journal::changes_after(db, root, after)?;
                let last = changes.last().map_or(after, |change| change.seq);
                Ok((changes, last))
            }
        };
        let (changes, last) = self.core.store.read(read).await?;
        // Of one run all is read at once.
        self.behind = !matches!(scope, Scope::Run { .. }) && last > after;
        self.after = last;
        let held = changes.into_iter().filter(|change| scope.may_hold(change));
        self.waiting.extend(held);
        Ok(())
    }

    /// Waits for something to read; `None` when nothing will come.
    async fn wait(&mut self) -> Option<bool> {
        loop {
            match self.live.recv().await {
                Ok(group) if group.iter().any(|change| self.scope.may_hold(change)) => {
                    return Some(true);
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return Some(true),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
