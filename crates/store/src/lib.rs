//! The metadata database: one SQLite file, one writer, many readers.
//!
//! Writes go through one thread that commits them in groups, so that there is never a lock to
//! wait for. A commit survives the death of the process at once (it is in the WAL); it survives
//! the loss of power once the WAL is synced, which [`Store::write_durable`] waits for and which
//! is paid once for all that wait. Reads run on connections of their own and see a snapshot.
//!
//! The modules are the nouns: each offers functions on a connection. Nothing here decides.

pub mod audit;
pub mod care;
pub mod catalog;
pub mod datasets;
pub mod datastores;
pub mod drafts;
pub mod endpoints;
pub mod experiments;
pub mod journal;
pub mod logged_models;
pub mod metrics;
pub mod model_names;
pub mod models;
pub mod modules;
pub mod published;
pub mod retention;
pub mod reuse;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod tokens;

mod columns;
mod error;
mod id_digits;
mod migrate;
mod named_part;
mod readers;
mod search;
mod store;
mod writer;

pub use error::Error;
pub use id_digits::IdDigits;
pub use named_part::NamedPart;
pub use readers::peek;
pub use rusqlite::Connection;
pub use store::Store;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
