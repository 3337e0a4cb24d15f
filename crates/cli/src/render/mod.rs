//! What people see, as text made from wire values: no clock, no server.
//!
//! Invariant: the same values, time and style give the same text, so each view is held by a
//! snapshot test.

pub(crate) mod computes;
pub(crate) mod datasets;
pub(crate) mod diff;
#[cfg(test)]
pub(crate) mod example;
pub(crate) mod metrics;
pub(crate) mod models;
pub(crate) mod moment;
pub(crate) mod published;
pub(crate) mod run;
pub(crate) mod safe;
pub(crate) mod schedule;
pub(crate) mod size;
pub(crate) mod status;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod trials;
pub(crate) mod why;
