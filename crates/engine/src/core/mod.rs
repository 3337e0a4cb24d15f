//! The scheduler, decided purely: `(state, input) -> (events, effects)`.
//!
//! No clock, random source, file, process or channel in here; only `stepwell-model` is imported.
//! What happened is an [`Event`](stepwell_model::Event); the state of a run is the fold of its
//! events; [`Scheduler::restore`] folds the journal and is the same code as normal running.
//!
//! Cost per input is proportional to what changes: a finished step costs its dependents, never
//! the graph. Invariants are written as code in [`check`].

mod check;
pub mod key;
pub mod retention;
mod reuse;
mod run;
mod scheduler;
mod target;
mod topology;

pub use reuse::Resolution;
pub use scheduler::{ATTEMPTS_MAX, Decision, Effect, Scheduler, SchedulerInput};
pub use target::{Limit, TargetLoad};
pub use topology::{Policy, Topology};
