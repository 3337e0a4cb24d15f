//! One supervisor per running local step.
//!
//! A supervisor is a small program that has one step at a time: it prepares the working folder,
//! starts the user's program, waits, leaves no process behind, keeps the outputs and writes down
//! how it ended; then it is ready for the next one. While it has a step it outlives the server, so
//! a server that is killed finds its steps again; all that the two share is the
//! [attempt folder](Attempt), and this library holds its format for both.
//!
//! It does not choose, retry or report: that is the executor's and the engine's part.
//!
//! Invariant: whoever holds the claim of an attempt is the only one to start its program, and
//! an outcome is written down only when no process of the program is left and its outputs are kept.

mod assignment;
mod clock;
mod collect;
mod descendants;
mod entries;
mod excerpt;
mod fetch;
mod folder;
mod launch;
mod life;
mod log_times;
mod process;
mod program;
mod reap;
mod record;
mod relocate;
mod signals;
mod spec;
mod storage;
mod sweep;
mod verdict;
mod view;
mod warm;
mod work_folder;

pub use assignment::assignment;
pub use clock::now;
pub use collect::discard;
pub use folder::{Attempt, Claim, Error, Holder, Liveness, Started, State};
pub use launch::{JobNode, Reserved, nodes_of_job};
pub use life::{EXIT_NOT_RECORDED, NEWS_ENDED, NEWS_READY, NEWS_STARTED, main};
pub use process::Process;
pub use spec::{InputPlace, Launcher, OutputPlace, RecordForm, Several, Spec, Warm, Workers};
pub use storage::{is_passing, storage_failure};
pub use sweep::sweep;
pub use view::{View, ViewError, can_isolate};
pub use warm::{HEAVY, WarmWorker, WarmWorkers, ZYGOTE_FILES, end_of};

/// The variable that marks every process of an attempt, so that escaped ones can be found.
pub const MARKER: &str = "STEPWELL_ATTEMPT";
