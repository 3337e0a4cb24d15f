//! Datastores: folders of this machine, and containers of object stores on others.
//!
//! - [`definition`]: what a datastore is, and the credentials that open it;
//! - [`vault`]: credentials and secrets sealed with the data folder's key;
//! - [`Datastore`]: list, look, read, write and delete, the same on every kind;
//! - [`transfer`]: whole folders, many files and many parts at once, with progress;
//! - [`cache`]: what was fetched, kept up to a bound;
//! - [`Registry`]: the datastores of a workspace by name;
//! - [`steps`]: what a step reads is fetched before it starts, what it wrote is uploaded after.
//!
//! This crate knows nothing of the database: who registers a datastore keeps its definition.
//!
//! Invariants: an object under its name is whole, on every kind; no text of an error holds a
//! credential; a cached file is what the datastore had under that etag.

pub mod cache;
pub mod definition;
mod error;
mod limits;
mod links;
mod multipart;
mod open;
mod patience;
mod registry;
mod secret;
pub mod steps;
mod store;
pub mod transfer;
pub mod vault;

pub use error::{Error, Result};
pub use multipart::Upload;
pub use registry::Registry;
pub use secret::{Credentials, Secret};
pub use store::{Datastore, Entry};
