//! Copies files from one store to another: folders of this machine, Azure Blob, ADLS gen2, S3, GCS.
//!
//! - [`End`]: a path on a datastore, or a plain path of this machine;
//! - [`listing`]: what is at an end;
//! - [`plan`]: what is copied, what is skipped, what is refused; pure;
//! - [`copy`]: the plan performed, in parts, many at once, with bounded memory;
//! - [`log`]: which parts and files are finished, so that a killed copy goes on;
//! - [`progress`]: how far it is;
//! - [`bytes`]: one file as a stream of bytes;
//! - [`table`]: what is asked of the program that copies rows of databases.
//!
//! It does not know of runs or servers, and of databases only where to ask.
//!
//! Invariants: a file appears under its name complete or not at all; nothing but the files of the
//! plan is changed at the destination; memory does not grow with the size of files; a part that the
//! log holds is not sent again.

pub mod bytes;
pub mod copy;
mod cut;
mod end;
mod error;
pub mod listing;
mod local;
pub mod log;
pub mod pattern;
pub mod plan;
pub mod progress;
mod stream;
pub mod table;
mod verify;

pub use copy::{Copy, Outcome};
pub use end::End;
pub use error::{Error, Result};
pub use plan::{EntryType, Options, Plan, Refusal};
pub use progress::{Progress, Snapshot};
