//! The pure scheduler of one parallel step: which worker gets which mini-batch, and what its end
//! means.
//!
//! It takes its state, one input and the time, and returns what must be done. It starts nothing,
//! reads no clock and does not know what a mini-batch holds; the numbers are all it needs.
//!
//! Invariant: a mini-batch is with one worker at most, and ends once, as done or as given up. The
//! cost of an input does not depend on how many mini-batches there are.

mod limits;
mod scheduler;
mod slot;
mod tally;
mod workers;

pub use limits::Limits;
pub use scheduler::{Effect, Return, Scheduler, SchedulerInput, Verdict};
pub use slot::{WorkerId, WorkerView};
pub use tally::Tally;

/// A moment or a duration, in microseconds since the driver began.
pub type Micros = u64;

/// One second.
pub const SECOND: Micros = 1_000_000;
