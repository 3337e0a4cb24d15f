//! Where steps run: executors and Python environments.
//!
//! The engine decides *what* runs; this crate makes it run and reports what happened. An
//! [`Executor`] is the port; [`local`] starts supervised processes on this machine, and the `fake`
//! feature has an in-memory twin for tests of the engine.
//!
//! Nothing here knows of graphs, databases or HTTP.

pub mod environments;
mod executor;
#[cfg(feature = "fake")]
pub mod fake;
pub mod local;

pub use environments::Environments;
pub use executor::{
    Attempt, BoxFuture, Executor, InputPlace, Job, OutputPlace, PrepareEnvironment, Prepared,
    Report,
};
