//! The commands, one file each: `Args` is what can be asked, `run` does it.

pub(crate) mod audit;
pub(crate) mod cancel;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod drive_parallel;
pub(crate) mod gc;
pub(crate) mod graph;
pub(crate) mod logs;
pub(crate) mod models;
pub(crate) mod plan;
pub(crate) mod published;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schedule;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod snapshot;
pub(crate) mod stop;
pub(crate) mod token;
pub(crate) mod why;
