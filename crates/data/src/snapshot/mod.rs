//! Snapshots: a folder as it was at one moment, named by one digest.
//!
//! [`scan()`] reads a folder into a [`Manifest`], [`scan_paths`] named parts of one; [`store`] puts
//! the files and the manifest itself into the store; [`load`] and [`materialise`] bring them back.
//! A snapshot's id is the digest of its manifest's bytes, so equal folders have equal ids, whenever
//! and wherever they were taken.

mod limits;
mod manifest;
mod rules;
mod scan;
mod transfer;

pub use limits::ScanOptions;
pub use manifest::{Entry, Manifest, ManifestError};
pub use scan::{Scan, scan, scan_paths};
pub use transfer::{holds, is_one, load, materialise, store};
