//! What every native worker needs: the request it was given, whether it is to stop, the failure
//! that it reports, and calls to the server that started it.
//!
//! A worker is a program that does one step: [`run`] is all of its `main`. It prints for people to
//! standard output, which is the step's log. How a worker is started, and what it can count on, is
//! described in CONTRIBUTING.md, "How to add a step kind".
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use stepwell_model::Failure;
//! use stepwell_worker::Worker;
//!
//! fn main() -> ExitCode {
//!     stepwell_worker::run(copy)
//! }
//!
//! fn copy(worker: &Worker) -> Result<(), Failure> {
//!     let source = &worker.request().inputs["source"];
//!     let opened = worker.connection(&source.datastore)?;
//!     println!("[stepwell] reads a datastore of kind {}", opened.kind());
//!     worker.log_metric("files", 3.0)
//! }
//! ```
//!
//! Invariant: a credential is in the memory of the worker and nowhere else; what is printed of a
//! [`Connection`] holds none.

mod home;
mod request;

use std::process::ExitCode;

use stepwell_model::Failure;

pub use home::{Connection, Home};
pub use request::{Error, Worker};

/// The exit status of a worker that has reported a failure.
const EXIT_FAILED: u8 = 1;
/// The exit status of a worker that nobody gave a request (`EX_USAGE`).
const EXIT_USAGE: u8 = 64;

/// Does the step of the request in the environment: all of a worker's `main`.
///
/// A failure is printed to the step's log and reported; it becomes the failure of the run.
pub fn run(work: impl FnOnce(&Worker) -> Result<(), Failure>) -> ExitCode {
    let worker = match Worker::from_environment() {
        Ok(worker) => worker,
        Err(error) => {
            eprintln!("error: {error}");
            return EXIT_USAGE.into();
        }
    };
    match work(&worker) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            worker.report(&failure);
            EXIT_FAILED.into()
        }
    }
}
