//! Secrets of the workspace. Only the answer about one, asked for by its name, holds its text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::HiddenText;

/// Secrets, sorted by name, without their texts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretList {
    /// The secrets.
    pub secrets: Vec<Secret>,
}

/// A secret without its text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    /// Its name: letters, digits and `-`; the same in any case.
    pub name: String,
    /// What its text is, as who set it says; may be empty.
    pub content_type: String,
    /// When it was set first.
    pub created_at: String,
    /// When it was set last.
    pub updated_at: String,
}

/// A secret with its text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretValue {
    /// The secret.
    #[serde(flatten)]
    pub secret: Secret,
    /// Its text.
    pub value: HiddenText,
}

/// A secret to keep.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// Its text, at most 25 KiB.
    pub value: HiddenText,
    /// What its text is.
    #[serde(default)]
    pub content_type: String,
}
