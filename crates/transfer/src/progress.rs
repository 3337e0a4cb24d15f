//! How far a copy is: counts that whoever shows them reads at any time.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Counts of a copy at work.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    bytes: AtomicU64,
    files_total: AtomicU64,
    bytes_total: AtomicU64,
    files_skipped: AtomicU64,
    bytes_resumed: AtomicU64,
    rows: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Files that are at the destination, complete.
    pub files: u64,
    /// Bytes of files that have been copied or were there from a copy that was killed.
    pub bytes: u64,
    /// Files of the plan.
    pub files_total: u64,
    /// Bytes of the plan.
    pub bytes_total: u64,
    /// Files that were there unchanged.
    pub files_skipped: u64,
    /// Bytes that a copy that was killed had finished; they are part of `bytes`.
    pub bytes_resumed: u64,
    /// Rows, where an end is a table.
    #[serde(default)]
    pub rows: u64,
}

impl Progress {
    /// Announces files to copy.
    pub fn expect(&self, files: u64, bytes: u64) {
        self.files_total.fetch_add(files, Ordering::Relaxed);
        self.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Some bytes have arrived.
    pub fn copied(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Some rows are on their way.
    pub fn rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// A file is complete.
    pub fn finished_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// A file was there unchanged.
    pub fn skipped(&self, files: u64) {
        self.files_skipped.fetch_add(files, Ordering::Relaxed);
    }

    /// Some bytes were there from a copy that was killed.
    pub fn resumed(&self, bytes: u64) {
        self.bytes_resumed.fetch_add(bytes, Ordering::Relaxed);
        self.copied(bytes);
    }

    /// Takes over what another has counted, which begins anew.
    pub(crate) fn take_from(&self, other: &Self) {
        let moved = |to: &AtomicU64, from: &AtomicU64| {
            to.fetch_add(from.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        };
        moved(&self.files, &other.files);
        moved(&self.bytes, &other.bytes);
        moved(&self.bytes_resumed, &other.bytes_resumed);
    }

    /// The counts now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Snapshot {
            files: load(&self.files),
            bytes: load(&self.bytes),
            files_total: load(&self.files_total),
            bytes_total: load(&self.bytes_total),
            files_skipped: load(&self.files_skipped),
            bytes_resumed: load(&self.bytes_resumed),
            rows: load(&self.rows),
        }
    }
}
