//! Who may ask for what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a token allows. Each role may do what the ones before it may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything: runs, logs, files, metrics, models.
    Reader,
    /// Starts and cancels runs, and does what a running step does to its own run.
    Submitter,
    /// Changes what runs are made of: datasets, models, environments, compute targets.
    Contributor,
    /// Gives and takes tokens, reads the audit, stops the server.
    Owner,
}

impl Role {
    /// All roles, the least powerful first.
    pub const ALL: [Self; 4] = [
        Self::Reader,
        Self::Submitter,
        Self::Contributor,
        Self::Owner,
    ];

    /// The role's name, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Submitter => "submitter",
            Self::Contributor => "contributor",
            Self::Owner => "owner",
        }
    }
}
