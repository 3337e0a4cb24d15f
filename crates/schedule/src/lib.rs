//! When schedules fire, and what is decided about each time: pure.
//!
//! - [`Recurrence`] and [`Cron`] are what the user writes; [`Times`] is the endless list of moments
//!   they stand for, in a [`Zone`].
//! - [`State`] decides what becomes of each time: it takes an event and the time of day, and gives
//!   entries for the ledger and effects.
//! - [`Watch`] finds what has changed in a folder of a datastore, and waits until it has settled.
//!
//! No clock, no file, no random source; the rules of zones are passed in.

mod cron;
mod ledger;
mod policy;
mod recurrence;
mod state;
mod times;
mod trigger;
mod wall;
mod watch;
pub mod windows;
mod zone;

pub use cron::{Cron, CronError};
pub use ledger::{Entry, Outcome, Reason, Slot};
pub use policy::{CATCH_UP_MAX, CatchUp, LATE_MS, Overlap, Policy, QUEUE_MAX};
pub use recurrence::{Frequency, Recurrence, RecurrenceError, WeekDay};
pub use state::{Decision, Effect, Event, State};
pub use times::{Time, Times};
pub use trigger::{DataTrigger, Trigger, TriggerError};
pub use wall::Note;
pub use watch::{Listing, Look, Standing, Watch};
pub use zone::{Zone, ZoneError};
