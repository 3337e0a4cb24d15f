//! What an error looks like on the wire: a code for programs, a message and a hint for people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every answer that is not 2xx.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorReply {
    /// The error.
    pub error: ErrorBody,
}

/// What went wrong, where, and what to do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// For programs.
    pub code: ErrorCode,
    /// What was wrong and where, for people.
    pub message: String,
    /// What to do next; empty when the message says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// The closed list of error codes; `docs/errors.md` has a line for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400: the request does not fit its schema, or a value is out of its range.
    InvalidRequest,
    /// 400: the steps do not make a graph.
    InvalidGraph,
    /// 401: the token is missing or wrong.
    Unauthorized,
    /// 403: the token does not allow this.
    Forbidden,
    /// 404: there is no such thing.
    NotFound,
    /// 405: the address is there, but not for this method.
    MethodNotAllowed,
    /// 408: the request came too slowly.
    Timeout,
    /// 409: what is asked contradicts what there is.
    Conflict,
    /// 413: the body is larger than the limit.
    TooLarge,
    /// 503: too much is asked at once; nothing was done, so asking again is right.
    Busy,
    /// 507: the disk is full, or the data folder cannot be written.
    Storage,
    /// 424: a datastore on another machine cannot be reached, or refuses.
    Datastore,
    /// 500: a fault of Stepwell.
    Internal,
}

impl ErrorCode {
    /// The HTTP status that goes with the code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::InvalidGraph => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Timeout => 408,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Busy => 503,
            Self::Storage => 507,
            Self::Datastore => 424,
            Self::Internal => 500,
        }
    }

    /// All codes.
    pub const ALL: [Self; 13] = [
        Self::InvalidRequest,
        Self::InvalidGraph,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::Conflict,
        Self::TooLarge,
        Self::Busy,
        Self::Storage,
        Self::Datastore,
        Self::Internal,
    ];
}
