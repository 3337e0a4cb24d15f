//! What can go wrong between this command and the server.

use stepwell_api::{ErrorBody, ErrorCode, ErrorReply};

use crate::exit::Exit;
use crate::failure::Advice;

/// Why a call had no good answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody answered, or the connection broke.
    #[error("the server at {url} does not answer")]
    Unreachable {
        /// The server.
        url: String,
        /// What the network said.
        source: ureq::Error,
    },
    /// The server refused, in its own words.
    #[error("{}", .0.message)]
    Refused(ErrorBody),
    /// Something answered that is not a Stepwell server of this version.
    #[error("unexpected answer from {url}: {what}")]
    Unexpected {
        /// What was asked.
        url: String,
        /// What came.
        what: String,
    },
}

/// The result of a call.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether trying again, perhaps with a server started anew, may help.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// An answer that is not 2xx.
    pub(crate) fn from_answer(url: &str, status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<ErrorReply>(body) {
            Ok(reply) => Self::Refused(reply.error),
            Err(_) => Self::Unexpected {
                url: url.to_owned(),
                what: format!("HTTP status {status}"),
            },
        }
    }
}

impl Advice for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } | Self::Unexpected { .. } => Exit::Unreachable,
            Self::Refused(body) => match body.code {
                ErrorCode::NotFound => Exit::NotFound,
                ErrorCode::Internal => Exit::Failed,
                _ => Exit::Refused,
            },
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Refused(body) => body.hint.clone(),
            _ => "`stepwell doctor` says which server serves this folder and what is wrong"
                .to_owned(),
        }
    }
}
