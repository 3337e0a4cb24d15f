//! Who may ask for what, and who changed what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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

/// Asks for a token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What it is called: who or what will use it. No two tokens that are not revoked share one.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// After so many seconds it is of no use; never when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3_153_600_000_i64)]
    pub expires_in_s: Option<u64>,
}

/// A token, without its text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenInfo {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// Whether it lets anybody in: it is neither revoked nor expired.
    pub is_valid: bool,
    /// When it was made.
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
    /// From when on it is of no use.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<String>,
}

/// A new token. Its text is shown this one time: the server keeps a digest of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// The text that a client sends as its bearer token.
    pub token: String,
    /// What it is.
    #[serde(flatten)]
    pub info: TokenInfo,
}

/// All tokens.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// They, the oldest first.
    pub tokens: Vec<TokenInfo>,
}

/// What kind of caller asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// Whoever can read the token of the data folder.
    Folder,
    /// The holder of a token that an owner gave.
    Token,
    /// A running step.
    Step,
    /// A page in a browser.
    Page,
}

impl CallerKind {
    /// The kind's name, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Token => "token",
            Self::Step => "step",
            Self::Page => "page",
        }
    }
}

/// Who the server takes a caller for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// What kind of caller.
    pub kind: CallerKind,
    /// The id of the token or of the step's run; empty when there is none.
    pub id: String,
    /// The name of the token.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// Lets a browser in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PageTicket {
    /// What a link to a page carries as `ticket`. It allows to look and to cancel runs.
    pub ticket: String,
    /// From when on it is of no use.
    pub expires_at: String,
}

/// One record of the audit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// Its number; it grows.
    pub seq: i64,
    /// When the change was asked for; the first one, when several are counted in one record.
    pub at: String,
    /// When the last one was asked for.
    pub last_at: String,
    /// How many there were.
    pub count: u64,
    /// Who asked.
    pub kind: String,
    /// The id of the token or of the step's run; empty for the folder's own token.
    pub who: String,
    /// The name of the token.
    pub name: String,
    /// The address it came from.
    pub address: String,
    /// The HTTP method.
    pub method: String,
    /// The path, or its pattern when several are counted.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
}

/// A page of the audit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// Records, the newest first.
    pub records: Vec<AuditRecord>,
    /// The cursor of the next page; absent on the last.
    pub next: Option<String>,
}
