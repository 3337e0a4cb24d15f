//! Warm starts: the program of a step as a fork of an interpreter that is loaded already.
//!
//! A supervisor keeps a few such interpreters, *zygotes*, for the steps that it may get next. A step
//! fits one that has the same Python, the same imports and the same variables, but for those that
//! belong to one step. Whatever does not fit, is not loaded yet, or goes wrong before the step's script has begun,
//! is a cold start with a reason; the two differ in nothing that a script is promised.
//!
//! Invariant: nothing of a step reaches a zygote, which is made from what all its steps share; a
//! fork is given one step, and begins with it only after the supervisor has heard that it is ready.

mod budget;
mod channel;
mod imports;
mod key;
mod remembered;
mod workers;
mod zygote;

use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use rustix::process::Pid;

pub(crate) use self::imports::IMPORTED;
use self::key::Key;
pub use self::key::ZYGOTE_FILES;
pub(crate) use self::workers::{Lent, Loan, VARIABLE as WORKERS};
pub use self::workers::{WarmWorker, WarmWorkers, end_of};
use self::zygote::{Refusal, Zygote};
use crate::spec::{Spec, Warm};

/// The end of the word of an interpreter that has loaded more than the usual modules.
pub const HEAVY: &str = "+";

/// How many interpreters a supervisor keeps.
const KEPT_MAX: usize = 3;

/// How many that cannot be loaded are remembered.
const REFUSED_MAX: usize = 16;

/// An interpreter that nobody has used for so long is given up for any other.
const UNUSED_AFTER: Duration = Duration::from_secs(60);

/// The interpreters that a supervisor keeps.
#[derive(Default)]
pub(crate) struct Keeper {
    /// The one that was used last is the last.
    zygotes: Vec<Kept>,
    /// What the step that runs would start in.
    wanted: Option<Key>,
    /// What was asked for last and not there.
    missed: Option<Key>,
    /// Interpreters that cannot be loaded, and why: they are not tried again.
    refused: Vec<(Key, String)>,
    /// What scripts have imported.
    learned: imports::Learned,
    /// The interpreter that the driver of the step was lent.
    lent: Option<Key>,
}

struct Kept {
    zygote: Zygote,
    used: Instant,
}

impl Keeper {
    /// The program of a step, whose working directory is ready, as a fork of an interpreter that is
    /// kept, or why it must start cold.
    pub(crate) fn start(&mut self, spec: &Spec) -> Result<Pid, String> {
        self.wanted = None;
        let key = self.key_of(spec)?;
        let started = self.start_in(&key, spec);
        self.wanted = Some(key);
        started
    }

    /// The interpreter with the most in it that a step may start in.
    fn key_of(&self, spec: &Spec) -> Result<Key, String> {
        let usual = allowed(spec)?;
        let choices = self.learned.choices(spec).into_iter();
        let mut keys = choices.map(|imports| usual.with_imports(imports));
        Ok(keys
            .find(|key| self.refusal(key).is_none())
            .unwrap_or(usual))
    }

    /// The file in which the interpreter of a step is to name what it has imported, if that is
    /// not known.
    pub(crate) fn report_of(&mut self, spec: &Spec) -> Option<Utf8PathBuf> {
        allowed(spec).ok()?;
        self.learned.report_of(spec)
    }

    /// Takes what a step has named that has succeeded; the next one like it finds it loaded.
    pub(crate) fn learn(&mut self, spec: &Spec) {
        if spec.variables.contains_key(IMPORTED) {
            self.learned.learn(spec);
            self.wanted = self.key_of(spec).ok();
        }
    }

    /// What the driver of a parallel step is lent, so that its workers start as forks, or why they
    /// must start cold.
    pub(crate) fn lend(&mut self, spec: &Spec, program: &str) -> Result<(Loan, Lent), String> {
        self.lent = None;
        self.wanted = None;
        let key = self.key_of(spec)?;
        let lent = self.with_zygote(&key, Zygote::lend);
        self.lent = lent.is_ok().then(|| key.clone());
        self.wanted = Some(key);
        lent.and_then(|channel| {
            let loan = Loan::of(channel, program.to_owned());
            loan.map_err(|error| format!("its interpreter cannot be lent: {error}"))
        })
    }

    /// Takes back the interpreter that was lent. One that may have been left amid an order, by a driver
    /// that was killed, is given up.
    pub(crate) fn take_back(&mut self, is_sound: bool) {
        let Some(place) = self.lent.take().and_then(|key| self.place_of(&key)) else {
            return;
        };
        if !is_sound || !self.zygotes[place].zygote.is_there() {
            self.zygotes.remove(place).zygote.end();
        }
    }

    fn start_in(&mut self, key: &Key, spec: &Spec) -> Result<Pid, String> {
        self.with_zygote(key, |zygote| zygote.fork(spec))
    }

    /// Asks the interpreter of a key for something; it is given up if it can give nothing any more.
    fn with_zygote<T>(
        &mut self,
        key: &Key,
        ask: impl FnOnce(&mut Zygote) -> Result<T, Refusal>,
    ) -> Result<T, String> {
        if let Some(reason) = self.refusal(key) {
            return Err(reason.to_owned());
        }
        let Some(place) = self.place_of(key) else {
            return Err("no interpreter was loaded for it".to_owned());
        };
        let mut kept = self.zygotes.remove(place);
        let (reason, is_kept) = match ask(&mut kept.zygote) {
            Ok(given) => {
                kept.used = Instant::now();
                self.zygotes.push(kept);
                return Ok(given);
            }
            Err(Refusal::NotLoaded) => ("its interpreter was still loading".to_owned(), true),
            Err(Refusal::Step(reason)) => (reason, true),
            Err(Refusal::Stale(reason)) => (reason, false),
            Err(Refusal::Zygote(reason)) => {
                self.refuse(key.clone(), reason.clone());
                (reason, false)
            }
        };
        if is_kept {
            self.zygotes.push(kept);
        } else {
            kept.zygote.end();
        }
        Err(reason)
    }

    /// Sees, after a step, that the next one like it finds an interpreter, and that all of them stay
    /// within their share of the memory.
    pub(crate) fn keep(&mut self) {
        self.load_wanted();
        // A single one is kept whatever it takes, and to measure it takes as long as a short step.
        while self.zygotes.len() > 1 && self.memory() > budget::share() {
            self.zygotes.remove(0).zygote.end();
        }
    }

    fn load_wanted(&mut self) {
        let Some(key) = self.wanted.take() else {
            return;
        };
        if self.refusal(&key).is_some() || self.place_of(&key).is_some() || !budget::allows_more() {
            return;
        }
        if self.zygotes.len() >= KEPT_MAX {
            let unused = self.zygotes[0].used.elapsed() > UNUSED_AFTER;
            if !unused && self.missed.as_ref() != Some(&key) {
                self.missed = Some(key);
                return;
            }
            self.zygotes.remove(0).zygote.end();
        }
        self.missed = None;
        match Zygote::start(&key) {
            Ok(zygote) => self.zygotes.push(Kept {
                zygote,
                used: Instant::now(),
            }),
            Err(error) => {
                let reason = format!("its interpreter could not be loaded: {error}");
                self.refuse(key, reason);
            }
        }
    }

    fn refusal(&self, key: &Key) -> Option<&str> {
        let refused = self.refused.iter().find(|(refused, _)| refused == key);
        refused.map(|(_, reason)| reason.as_str())
    }

    fn refuse(&mut self, key: Key, reason: String) {
        if self.refused.len() >= REFUSED_MAX {
            self.refused.remove(0);
        }
        self.refused.push((key, reason));
    }

    fn place_of(&self, key: &Key) -> Option<usize> {
        self.zygotes
            .iter()
            .position(|kept| kept.zygote.key() == key)
    }

    fn memory(&self) -> u64 {
        self.zygotes.iter().map(|kept| kept.zygote.memory()).sum()
    }

    /// The interpreters that are kept, in a word each; one that took long to load is marked.
    pub(crate) fn words(&self) -> Vec<String> {
        let word = |kept: &Kept| {
            let key = kept.zygote.key();
            let mark = if key.imports.is_empty() { "" } else { HEAVY };
            format!("{}{mark}", key.word())
        };
        self.zygotes.iter().map(word).collect()
    }

    /// Ends all interpreters.
    pub(crate) fn end(&mut self) {
        for kept in self.zygotes.drain(..) {
            kept.zygote.end();
        }
    }

    /// The sessions of the interpreters and of their forks that have no step: no child in one of
    /// them is a step's.
    pub(crate) fn sessions(&self) -> Vec<i32> {
        self.zygotes
            .iter()
            .map(|kept| kept.zygote.session())
            .collect()
    }
}

impl Spec {
    /// A short word for the loaded interpreters that the step may start in, if it may: that they
    /// have its imports is not part of it.
    #[must_use]
    pub fn loaded_word(&self) -> Option<String> {
        allowed(self).ok().map(|key| key.word())
    }
}

/// The interpreter that a step may start in, without what its script imports.
fn allowed(spec: &Spec) -> Result<Key, String> {
    match &spec.warm {
        Warm::Cold { reason } => Err(reason.clone()),
        // A fork has been what it sees before it is held to a view.
        Warm::Allowed if spec.view.is_some() => Err("it sees a part of the file system".to_owned()),
        Warm::Allowed => Key::of(spec),
    }
}
