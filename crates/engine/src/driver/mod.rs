//! The driver: performs what the core decides, and tells it what happened.
//!
//! One loop owns the scheduler. It takes what came in, lets the core decide, records the decision
//! in one transaction, tells those who watch, and only then acts. After a crash, or when the
//! database could not be written, it folds the journal and goes on: there is no other recovery.
//!
//! This is the only place of the engine with a clock, channels and files.

mod active;
mod batch;
mod completed;
mod engine;
mod environment_parts;
mod event_loop;
mod explanation;
mod launch;
mod plan;
mod registration;
mod remote;
mod reuse;
mod reuse_chain;
mod rows;
mod spool;
mod submission;

pub use engine::{CancelOutcome, Engine, EngineError, Start, StepWait};
pub use explanation::{Explanation, Outcome as ReuseOutcome};
pub use launch::{StepContext, TokenOf};
pub use plan::{inspect, plan};
pub use remote::{Place, Seen};
pub use submission::{About, Accepted, Submission};
