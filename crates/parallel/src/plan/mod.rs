//! Cutting the inputs into mini-batches, as a stream.
//!
//! Files are listed here, folder by folder. What needs the definition of a dataset (its columns,
//! filters and partitions) is cut by a Python process of the step's environment, which speaks the
//! workers' protocol; it reads the ends of text, the footers of Parquet and names of files, and
//! whole tables only where a key is a column of the data. Either way a mini-batch is described by
//! a few names and numbers, and is made when the scheduler has use for it.
//!
//! Invariant: cutting the same input again gives the same mini-batches in the same order; a digest
//! tells if the input has changed.

mod files;

pub use files::cut;

/// A mini-batch as the planner describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// What a worker needs to get its items, as JSON.
    pub body: Vec<u8>,
    /// How many items it has, if that is known without reading them.
    pub items: Option<u64>,
}

impl Cut {
    /// What tells it from another one.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let hash = blake3::hash(&self.body);
        let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}
