//! Parquet, column by column and without Arrow: what a kind is in a file, and what a file's columns
//! are as kinds. <https://parquet.apache.org/docs/file-format/types/logicaltypes/>
//!
//! - [`schema`]: the mapping, both ways;
//! - [`mod@read`]: rows of a file, row group by row group;
//! - [`mod@write`]: rows into a file whose bytes go on as they come.

mod read;
mod schema;
mod write;

pub(crate) use read::open;
pub(crate) use write::{Encoder, Group};
