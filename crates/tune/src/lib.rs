//! The search of hyperparameters, as far as it is decided: which values a trial gets, when it is
//! started, when it is stopped early, and what becomes of the whole.
//!
//! Everything here is a function of its arguments. Starting trials, reading their metrics and asking
//! a model for suggestions is done by whoever performs the [`Effect`]s; what came of it returns as
//! [`Event`]s. A state is the fold of its events, so a search goes on after a crash by reading them.

mod core;
mod exact;
mod message;
mod policy;
mod random;
mod sampling;
mod search;
mod space;
mod text;
mod trial;

pub use core::{Core, Settings};
pub use message::{CancelReason, Effect, Event, Outcome, Verdict};
pub use policy::{Goal, History, Policy};
pub use random::Random;
pub use sampling::Sampling;
pub use search::{Method, Metric, Search, SearchError};
pub use space::{Expression, Space, SpaceError, Values};
pub use text::{arguments, shell_word, text_of};
pub use trial::{Progress, Trial, TrialState};
