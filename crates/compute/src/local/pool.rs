//! The supervisors that have no step: those that stand by, and those that come back.
//!
//! To start a process and to load its program costs more than all a supervisor does for a short
//! step. So one is started ahead while steps run, and one whose step is over takes another.
//!
//! Invariant: no supervisor has two steps at once. No more stand idle than one more than twice as
//! many as there are steps that run, or cores if those are more; and when it has been quiet for a
//! while, only one.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::time::{sleep, timeout};

use super::supervisor::Supervisor;
use super::whole;

/// How long a supervisor may tidy up after its step before it is left alone.
const TIDY_WITHIN: Duration = Duration::from_secs(600);

/// How long no step runs before the supervisors that came back for more leave.
const QUIET: Duration = Duration::from_secs(5);

/// Hands out supervisors and takes them back.
pub(super) struct Pool {
    program: Utf8PathBuf,
    cores: usize,
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
            cores: available_parallelism().map_or(1, usize::from),
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

    /// Takes one back whose step is over, if it can be given another; `running` tells how many
    /// steps run at the time it is asked. Those of steps that end together, and of the ones after
    /// them, may be on their way back at once while as many others are wanted.
    pub(super) async fn take_back(&self, mut supervisor: Supervisor, running: impl Fn() -> usize) {
        // One that is stuck stays a child and is no burden.
        if timeout(TIDY_WITHIN, supervisor.reusable()).await != Ok(true) {
            return leave(vec![supervisor]).await;
        }
        whole(&self.state).idle.push(supervisor);
        self.keep(2 * running().max(self.cores) + 1).await;
        if running() == 0 {
            sleep(QUIET).await;
            if running() == 0 {
                self.keep(1).await;
            }
        }
    }

    /// Lets all idle ones leave but the `count` that have been so for the longest.
    async fn keep(&self, count: usize) {
        let leaving = {
            let mut state = whole(&self.state);
            let count = count.min(state.idle.len());
            state.idle.split_off(count)
        };
        leave(leaving).await;
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

async fn leave(supervisors: Vec<Supervisor>) {
    for mut supervisor in supervisors {
        let _ = timeout(TIDY_WITHIN, supervisor.gone()).await;
    }
}
