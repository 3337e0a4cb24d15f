//! Content-addressed files and snapshots: what a step runs with, kept once and named by its bytes.
//!
//! - [`cas`]: the store of objects, each named by the BLAKE3 digest of its content;
//! - [`snapshot`]: a folder as a list of such objects: scanned, stored, written out again;
//! - [`content`]: what is in a file or folder now, as digests;
//! - [`folder`]: where everything lies in a server's data folder;
//! - [`home`]: whose a data folder is, and where it was made;
//! - [`socket`]: where the server of a data folder is reached on this machine;
//! - [`stamp`]: what a file was when it was looked at, and whether it has changed since;
//! - [`disk`]: how much room a folder takes.
//!
//! Everything here blocks and may be called from many threads and processes at once. This crate
//! knows nothing of runs: who refers to which digest, and what may be deleted, is decided above.
//!
//! Invariant: a digest stands for the same bytes for ever; an object is complete from the moment
//! it has its name.

pub mod backup;
pub mod cas;
pub mod content;
mod digests;
pub mod disk;
mod error;
pub mod folder;
mod hash;
pub mod home;
mod parallel;
pub mod snapshot;
pub mod socket;
pub mod stamp;
#[cfg(test)]
mod testing;

pub use error::{Error, Result};
