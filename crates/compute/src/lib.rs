//! Where steps run: executors and Python environments.
//!
//! The engine decides *what* runs; this crate makes it run and reports what happened. An
//! [`Executor`] is the port; [`local`] starts supervised processes on this machine, [`slurm`] and
//! [`ray`] jobs of clusters, and the `fake` feature has one in memory, for tests of the engine. What all
//! executors do before and after an attempt's work is the [`Stager`]'s.
//!
//! Nothing here knows of graphs, of databases or of the server's own API.

mod cluster;
mod ending;
pub mod environments;
mod executor;
mod executors;
#[cfg(feature = "fake")]
pub mod fake;
mod http;
mod job;
pub mod local;
mod progress;
pub mod ray;
pub mod slurm;
mod staging;
mod worker;

pub use cluster::{ClusterConfig, ClusterExecutor};
pub use environments::{Environments, digest_of_named_files};
pub use executor::{BoxFuture, Executor, PrepareEnvironment, Prepared, Report};
pub use executors::Executors;
pub use job::{Job, JobInput, JobOutput, Work};
pub use staging::{Staged, Stager};
pub use stepwell_supervise::can_isolate;
pub use worker::Worker;
