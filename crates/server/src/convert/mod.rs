//! Between the wire and the engine, by hand and in one place.

pub(crate) mod dataset;
pub(crate) mod datastore;
pub(crate) mod model;
pub(crate) mod parallel;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod resources;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod spark;
pub(crate) mod submit;
pub(crate) mod task;
pub(crate) mod template;
pub(crate) mod transfer;
pub(crate) mod tune;
pub(crate) mod usql;
