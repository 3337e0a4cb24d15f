//! One script over many mini-batches on many workers: what a parallel step does.

mod job;

pub use job::{COMMAND, JOB, JobInput, ParallelJob};
