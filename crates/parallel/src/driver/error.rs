//! What keeps a driver from doing its work. What keeps workers from theirs is a verdict.

use std::io;

use stepwell_model::SettingError;

/// Why a driver could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that passed the server does not pass here: they are of different versions.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The file system or the network refuses; the message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The input cannot be cut into mini-batches.
    #[error("the input cannot be cut into mini-batches: {0}")]
    Plan(String),
    /// What is finished cannot be kept.
    #[error("the rows cannot be kept")]
    Rows(#[source] io::Error),
}
