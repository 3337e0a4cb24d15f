//! Content-addressed files and snapshots.
