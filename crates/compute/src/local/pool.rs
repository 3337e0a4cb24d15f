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

use camino::Utf8PathBuf;
use stepwell_supervise::{Attempt, Spec, assignment};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::lock_unpoisoned;
use super::supervisor::Supervisor;

/// How long a supervisor may tidy up after its step before it is left alone.
const TIDY_WITHIN: Duration = Duration::from_secs(600);

/// How long a step waits for a supervisor on its way back: tidying up takes a few milliseconds.
const RETURN_WITHIN: Duration = Duration::from_millis(50);

/// How long no step runs before the supervisors that came back for more leave.
const QUIET: Duration = Duration::from_secs(5);

/// Why an attempt has no supervisor.
pub(super) enum NotAssigned {
    /// None can be started.
    Supervisor(io::Error),
    /// What it is to do could not be written down.
    Folder(stepwell_supervise::Error),
}

/// Hands out supervisors and takes them back.
pub(super) struct Pool {
    program: Utf8PathBuf,
    cores: usize,
    state: Mutex<State>,
    /// Notified when one comes back, or will not.
    returned: Notify,
}

#[derive(Default)]
struct State {
    idle: Vec<Supervisor>,
    /// Whether one is being started to stand by.
    refilling: bool,
    /// The words of interpreters that took long to load, of supervisors on their way back.
    returning: Vec<String>,
}

impl State {
    /// Of those that keep this interpreter the one that came back first, whose next fork is ready
    /// soonest; or else the last.
    fn take(&mut self, word: Option<&str>) -> Option<Supervisor> {
        let keeps = |idle: &Supervisor| word.is_some_and(|word| idle.keeps(word));
        match self.idle.iter().position(keeps) {
            Some(place) => Some(self.idle.remove(place)),
            None => self.idle.pop(),
        }
    }

    /// Whether an interpreter that took long to load will be there soon, and is not there now.
    fn is_worth_waiting(&self, word: &str) -> bool {
        self.returning.iter().any(|returning| returning == word)
            && !self.idle.iter().any(|idle| idle.keeps(word))
    }
}

impl Pool {
    pub(super) fn new(program: Utf8PathBuf) -> Self {
        Self {
            program,
            cores: available_parallelism().map_or(1, usize::from),
            state: Mutex::default(),
            returned: Notify::new(),
        }
    }

    /// Waits, for a moment, for the interpreter of this word, if it took long to load and its
    /// supervisor tidies up after a step.
    pub(super) async fn await_heavy(&self, word: Option<&str>) {
        let Some(word) = word else {
            return;
        };
        let deadline = Instant::now() + RETURN_WITHIN;
        loop {
            let returned = self.returned.notified();
            if !lock_unpoisoned(&self.state).is_worth_waiting(word)
                || timeout_at(deadline, returned).await.is_err()
            {
                return;
            }
        }
    }

    /// Gives an attempt to a supervisor, if there is one to one that keeps the loaded interpreter of this
    /// word, and sees that the next one stands by.
    pub(super) fn assign(
        self: &Arc<Self>,
        attempt: &Attempt,
        spec: &Spec,
        word: Option<&str>,
    ) -> Result<Supervisor, NotAssigned> {
        let mut message = assignment(attempt.folder(), Some(spec));
        let supervisor = loop {
            let idle = lock_unpoisoned(&self.state).take(word);
            let is_fresh = idle.is_none();
            let mut idle = match idle {
                Some(idle) => idle,
                None => Supervisor::spawn(&self.program).map_err(NotAssigned::Supervisor)?,
            };
            if !idle.has_room_for(&message) {
                attempt.write_spec(spec).map_err(NotAssigned::Folder)?;
                message = assignment(attempt.folder(), None);
            }
            // Whoever watches a fresh one sees what became of it if it is gone already.
            if idle.assign(&message).is_ok() || is_fresh {
                break idle;
            }
            // It was killed while it stood by.
            tokio::spawn(async move { idle.gone().await });
        };
        let mut state = lock_unpoisoned(&self.state);
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
        let heavy = supervisor.heavy();
        lock_unpoisoned(&self.state).returning.extend(heavy.clone());
        // One that is stuck stays a child and is no burden.
        let is_back = timeout(TIDY_WITHIN, supervisor.reusable()).await == Ok(true);
        let left = self.note_return(&heavy, is_back, supervisor);
        if let Some(supervisor) = left {
            return leave(vec![supervisor]).await;
        }
        self.keep(2 * running().max(self.cores) + 1).await;
        if running() == 0 {
            sleep(QUIET).await;
            if running() == 0 {
                self.keep(1).await;
            }
        }
    }

    /// Notes that one is no longer on its way; gives it back if it can have no other step.
    fn note_return(
        &self,
        heavy: &[String],
        is_back: bool,
        supervisor: Supervisor,
    ) -> Option<Supervisor> {
        let mut state = lock_unpoisoned(&self.state);
        for word in heavy {
            let place = state.returning.iter().position(|each| each == word);
            place.map(|place| state.returning.swap_remove(place));
        }
        let left = match is_back {
            true => {
                state.idle.push(supervisor);
                None
            }
            false => Some(supervisor),
        };
        drop(state);
        self.returned.notify_waiters();
        left
    }

    /// Lets all idle ones leave but `count`: first those without a loaded interpreter, and then those
    /// that have been idle for the shortest.
    async fn keep(&self, count: usize) {
        let leaving = {
            let mut state = lock_unpoisoned(&self.state);
            let count = count.min(state.idle.len());
            state.idle.sort_by_key(|idle| !idle.is_loaded());
            state.idle.split_off(count)
        };
        leave(leaving).await;
    }

    fn refill(&self) {
        let started = Supervisor::spawn(&self.program);
        let mut state = lock_unpoisoned(&self.state);
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
