//! One script over many mini-batches on many workers: what a parallel step does.
//!
//! A parallel step's program is a [driver] under supervision like any other program. It
//! [cuts](plan) the inputs into mini-batches, starts workers, and talks to them by a [protocol]
//! that does not care where they run; the [scheduler](core) decides. `docs/parallel.md` says what
//! a script can rely on.

pub mod core;
pub mod driver;
mod job;
pub mod plan;
pub mod protocol;

pub use job::{COMMAND, JobInput, ParallelJob, ParallelRequest};
