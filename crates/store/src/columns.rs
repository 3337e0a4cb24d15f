//! How values of the model stand in columns.

use serde::{Serialize, de::DeserializeOwned};
use stepwell_model::{RunId, RunKind, RunStatus, Timestamp};
use uuid::Uuid;

use crate::{Error, Result};

pub(crate) fn json<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Unreadable {
        what,
        reason: error.to_string(),
    })
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Unreadable {
        what,
        reason: error.to_string(),
    })
}

pub(crate) fn id(run: RunId) -> [u8; 16] {
    *run.uuid().as_bytes()
}

pub(crate) fn run_id(bytes: [u8; 16]) -> RunId {
    RunId::new(Uuid::from_bytes(bytes))
}

pub(crate) fn status(text: &str) -> Result<RunStatus> {
    RunStatus::find(text).ok_or_else(|| Error::Unreadable {
        what: "run status",
        reason: text.to_owned(),
    })
}

pub(crate) fn kind(text: &str) -> Result<RunKind> {
    RunKind::find(text).ok_or_else(|| Error::Unreadable {
        what: "kind of a run",
        reason: text.to_owned(),
    })
}

pub(crate) fn time(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}
