//! Between the wire and the engine, by hand and in one place.

pub(crate) mod dataset;
pub(crate) mod datastore;
pub(crate) mod model;
pub(crate) mod parallel;
pub(crate) mod ports;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod submit;
pub(crate) mod template;
