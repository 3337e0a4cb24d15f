//! Sizes, counts and patience of transfers.

use std::time::Duration;

/// Files larger than this travel in parts of this size, several at once. S3 wants at least 5 MiB.
pub(crate) const PART_BYTES: u64 = 8 << 20;

/// An object store takes at most so many parts of one object; S3 takes 10,000.
pub(crate) const PARTS_MAX: u64 = 9_000;

/// How many requests one transfer has open at once.
pub(crate) const REQUESTS: usize = 8;

/// The most files that are listed below one path.
pub(crate) const FILES_MAX: usize = 1_000_000;

/// How long one request may take; it moves one part at most.
pub(crate) const REQUEST: Duration = Duration::from_secs(60);

/// How long a connection may take to come about.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// How long the first look at a datastore may take; clients wait for it.
pub(crate) const CHECK: Duration = Duration::from_secs(20);

/// How often a request is tried again when the network or the far side fails.
pub(crate) const RETRIES: usize = 5;

/// How long after its first try a request is given up.
pub(crate) const RETRY_WITHIN: Duration = Duration::from_secs(90);

/// The longest pause between two requests that a store can ask for.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);
