//! The supervisors that have no step: those that stand by, and those that come back.
//!
//! To start a process and to load its program costs more than all a supervisor does for a short
//! step. So one is started ahead while steps run, and one whose step is over takes another.
//!
//! Invariant: no supervisor has two steps at once, and no more are kept idle than one more than
//! there are steps that run.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::time::timeout;

use super::supervisor::Supervisor;
use super::whole;

/// How long a supervisor may tidy up after its step before it is left alone.
const TIDY_WITHIN: Duration = Duration::from_secs(600);

/// Hands out supervisors and takes them back.
pub(super) struct Pool {
    program: Utf8PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Supervisor>,
    /// Whether one is being started to stand by.
    refilling: bool,
}

impl Pool {
    pub(super) fn new(program: Utf8PathBuf) -> Self {
        Self {
            program,
            state: Mutex::default(),
        }
    }

    /// Gives the attempt of a folder to a supervisor, and sees that the next one stands by.
    pub(super) fn assign(self: &Arc<Self>, folder: &Utf8Path) -> io::Result<Supervisor> {
        let supervisor = loop {
            let Some(mut idle) = whole(&self.state).idle.pop() else {
                let mut fresh = Supervisor::spawn(&self.program)?;
                // Whoever watches it sees what became of one that is gone already.
                let _ = fresh.assign(folder);
                break fresh;
            };
            if idle.assign(folder).is_ok() {
                break idle;
            }
            // It was killed while it stood by.
            tokio::spawn(async move { idle.gone().await });
        };
        let mut state = whole(&self.state);
        if state.idle.is_empty() && !state.refilling {
            state.refilling = true;
            let pool = Arc::clone(self);
            tokio::task::spawn_blocking(move || pool.refill());
        }
        Ok(supervisor)
    }

    /// Takes one back whose step is over, if it can be given another, and lets those leave that
    /// are too many beside the steps that are `running` by then.
    pub(super) async fn take_back(
        &self,
        mut supervisor: Supervisor,
        running: impl FnOnce() -> usize,
    ) {
        // One that is stuck stays a child and is no burden.
        let reusable = timeout(TIDY_WITHIN, supervisor.reusable()).await;
        let mut leaving = {
            let keep = running() + 1;
            let mut state = whole(&self.state);
            if reusable != Ok(true) {
                vec![supervisor]
            } else {
                state.idle.push(supervisor);
                let keep = keep.min(state.idle.len());
                state.idle.split_off(keep)
            }
        };
        for supervisor in &mut leaving {
            let _ = timeout(TIDY_WITHIN, supervisor.gone()).await;
        }
    }

    fn refill(&self) {
        let started = Supervisor::spawn(&self.program);
        let mut state = whole(&self.state);
        state.refilling = false;
        match started {
            Ok(supervisor) => state.idle.push(supervisor),
            // The next attempt tries again, and tells.
            Err(error) => tracing::debug!(%error, "no supervisor could be made to stand by"),
        }
    }
}
