//! A schedule in memory: its row, its decisions, and what it knows of files.

use std::collections::HashMap;

use jiff::tz::TimeZoneDatabase;
use stepwell_model::Timestamp;
use stepwell_schedule::{
    DataTrigger, Effect, Entry, Listing, Outcome, Policy, Slot, State, Trigger, TriggerError, Watch,
};
use stepwell_store::schedules::{self, FileChange, Line, Progress, Schedule};
use stepwell_store::{Connection, Error};

use super::ports::Firing;

/// How long a new file is given to settle before it is looked at again, milliseconds.
const SETTLE_MS: i64 = 5_000;

/// A schedule in memory.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) row: Schedule,
    pub(crate) trigger: Trigger,
    pub(crate) state: State,
    pub(crate) watch: Watch,
    /// Where it stands in the driver's index.
    pub(crate) wake: Option<Timestamp>,
    /// Whether its folder is being looked at.
    pub(crate) looking: bool,
}

/// Everything that is read when a server starts.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) rows: Vec<Schedule>,
    open: HashMap<i64, Vec<(Slot, Outcome)>>,
    files: HashMap<i64, Vec<(String, String, bool)>>,
}

impl Stored {
    pub(crate) fn read(db: &Connection) -> stepwell_store::Result<Self> {
        let rows = schedules::list(db, schedules::Filter::default(), usize::MAX)?;
        let mut open: HashMap<i64, Vec<_>> = HashMap::new();
        for (schedule, line) in schedules::open(db)? {
            let outcome = read_outcome(&line)?;
            let slot = Slot {
                at: line.at,
                path: line.path,
            };
            open.entry(schedule).or_default().push((slot, outcome));
        }
        let mut files = HashMap::new();
        for row in rows
            .iter()
            .filter(|row| row.trigger_json.contains("\"data\""))
        {
            files.insert(row.seq, schedules::files(db, row.seq)?);
        }
        Ok(Self { rows, open, files })
    }

    /// The schedule of a row, with what has to be done again.
    pub(crate) fn load(
        &mut self,
        row: Schedule,
        zones: &TimeZoneDatabase,
    ) -> Result<(Loaded, Vec<Effect>), String> {
        let open = self.open.remove(&row.seq).unwrap_or_default();
        let files = self.files.remove(&row.seq).unwrap_or_default();
        let mut loaded = Loaded::new(row, zones)?;
        for (path, fingerprint, settling) in files {
            let known = match settling {
                true => &mut loaded.watch.settling,
                false => &mut loaded.watch.known,
            };
            known.insert(path, fingerprint);
        }
        let effects = loaded.state.recover(open);
        Ok((loaded, effects))
    }
}

impl Loaded {
    /// The schedule of a row that has no firing under way.
    pub(crate) fn new(row: Schedule, zones: &TimeZoneDatabase) -> Result<Self, String> {
        let trigger: Trigger =
            serde_json::from_str(&row.trigger_json).map_err(|error| error.to_string())?;
        let policy: Policy =
            serde_json::from_str(&row.policy_json).map_err(|error| error.to_string())?;
        let times = trigger
            .times(row.trigger_set, zones)
            .map_err(|error: TriggerError| error.to_string())?;
        let mut state = State::new(times, policy, row.created);
        state.enabled = row.progress.enabled;
        state.cursor = row.progress.cursor;
        state.disabled_until = row.progress.disabled_until;
        Ok(Self {
            row,
            trigger,
            state,
            watch: Watch::default(),
            wake: None,
            looking: false,
        })
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            enabled: self.state.enabled,
            cursor: self.state.cursor,
            disabled_until: self.state.disabled_until,
        }
    }

    /// The folder it watches, if it goes by data.
    pub(crate) fn data(&self) -> Option<&DataTrigger> {
        match &self.trigger {
            Trigger::Data(data) => Some(data),
            _ => None,
        }
    }

    /// When its folder is to be listed next, if it has just been listed at `looked`.
    pub(crate) fn next_wake(&self, looked: Timestamp) -> Option<Timestamp> {
        let Some(data) = self.data() else {
            return self.state.next();
        };
        if !self.state.enabled {
            return None;
        }
        let interval = i64::from(data.polling_interval) * 60_000;
        let wait = match self.watch.is_settling() {
            true => interval.min(SETTLE_MS),
            false => interval,
        };
        Some(Timestamp::from_millis(looked.as_millis() + wait))
    }

    pub(crate) fn firing(&self, slot: Slot) -> Firing {
        let data = self.data();
        let data_path = data.and_then(|data| {
            let parameter = data.data_path_parameter.clone()?;
            Some((parameter, data.datastore.clone()))
        });
        Firing {
            schedule: self.row.id,
            slot,
            starts: self.row.starts,
            submission_json: self.row.submission_json.clone(),
            data_path,
        }
    }

    /// Takes in what its folder holds: what to deliver, and what to remember of files.
    pub(crate) fn observe(
        &mut self,
        listing: &Listing,
        now: Timestamp,
    ) -> (Vec<Slot>, Vec<FileChange>) {
        let seen = self.watch.look(listing);
        let remember = seen
            .remember
            .into_iter()
            .map(|(path, print, standing)| FileChange {
                path,
                seen: Some((print, standing == stepwell_schedule::Standing::Settling)),
            });
        let forget = seen
            .forget
            .into_iter()
            .map(|path| FileChange { path, seen: None });
        let changes = remember.chain(forget).collect();
        (self.slots(seen.delivered, now), changes)
    }

    /// What was changed while it was disabled, which is known from now on without being delivered.
    pub(crate) fn skip_baseline(
        &mut self,
        listing: Listing,
        now: Timestamp,
    ) -> (Vec<Slot>, Vec<FileChange>) {
        let before = std::mem::take(&mut self.watch);
        let differs = |(path, print): &(&String, &String)| before.known.get(*path) != Some(*print);
        let changed: Vec<_> = listing.iter().filter(differs).collect();
        let missed = changed.iter().map(|(path, _)| (*path).clone()).collect();
        let remember = changed.iter().map(|(path, print)| FileChange {
            path: (*path).clone(),
            seen: Some(((*print).clone(), false)),
        });
        let gone = before.known.keys().chain(before.settling.keys());
        let gone = gone.filter(|path| !listing.contains_key(*path));
        let forget = gone.map(|path| FileChange {
            path: path.clone(),
            seen: None,
        });
        let changes = remember.chain(forget).collect();
        self.watch = Watch::begin(listing.clone());
        (self.slots(missed, now), changes)
    }

    /// One firing for each path; or one for all, when the runs are not given the paths.
    fn slots(&self, mut paths: Vec<String>, at: Timestamp) -> Vec<Slot> {
        let Some(data) = self.data() else {
            return Vec::new();
        };
        let folder = data.path.trim_matches('/');
        let on_datastore = |path: String| match folder {
            "" => path,
            folder => format!("{folder}/{path}"),
        };
        if data.data_path_parameter.is_some() || paths.len() < 2 {
            let slot = |path| Slot {
                at,
                path: on_datastore(path),
            };
            return paths.into_iter().map(slot).collect();
        }
        let more = paths.len() - 1;
        let path = format!("{} and {more} more", on_datastore(paths.swap_remove(0)));
        vec![Slot { at, path }]
    }
}

/// An entry as a line of the ledger.
pub(crate) fn line(entry: &Entry, recorded: Timestamp) -> Line {
    let (outcome, run) = match &entry.outcome {
        Outcome::Due { .. } => ("due", None),
        Outcome::Queued => ("queued", None),
        Outcome::Fired { run, .. } => ("fired", Some(*run)),
        Outcome::Skipped { .. } => ("skipped", None),
    };
    Line {
        seq: 0,
        at: entry.slot.at,
        path: entry.slot.path.clone(),
        last: entry.last,
        count: entry.count,
        outcome: outcome.to_owned(),
        outcome_json: serde_json::to_string(&entry.outcome).unwrap_or_default(),
        run,
        recorded,
    }
}

/// The outcome of a line.
pub(crate) fn read_outcome(line: &Line) -> stepwell_store::Result<Outcome> {
    serde_json::from_str(&line.outcome_json).map_err(|error| Error::Unreadable {
        what: "outcome of a firing",
        reason: error.to_string(),
    })
}
