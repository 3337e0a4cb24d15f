//! A run's log, piece by piece.

use stepwell_api::LogTimes;
use uuid::Uuid;

use super::{Client, Error, POLL_SECONDS, Result};

/// A piece of a log.
#[derive(Debug)]
pub(crate) struct LogChunk {
    /// The bytes; may be empty when nothing new came in time.
    pub(crate) bytes: Vec<u8>,
    /// Where the next piece begins.
    pub(crate) next: u64,
    /// Whether the run is over and all of its log has been sent.
    pub(crate) complete: bool,
}

/// Whether to wait for what is not written yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Take what there is.
    Now,
    /// Wait for something new, or for the run's end.
    Poll,
}

impl Client {
    /// When the log of a step or script grew.
    pub(crate) fn log_times(&self, run: Uuid) -> Result<LogTimes> {
        self.get(&format!("runs/{run}/log/times"), &[])
    }

    /// The log of a step or script from `offset` on.
    pub(crate) fn log(&self, run: Uuid, offset: u64, patience: Patience) -> Result<LogChunk> {
        let path = format!("runs/{run}/log");
        let timeout = match patience {
            Patience::Now => 0,
            Patience::Poll => POLL_SECONDS,
        };
        let query = [
            ("offset", offset.to_string()),
            ("timeout_s", timeout.to_string()),
        ];
        let answer = self.get_raw(&path, &query)?;
        let header = |name: &str| {
            let value = answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.map(str::to_owned).ok_or_else(|| Error::Unexpected {
                url: self.address(&path),
                what: format!("header `{name}` is missing"),
            })
        };
        let next = header("x-stepwell-next-offset")?;
        let complete = header("x-stepwell-complete")? == "true";
        let bytes = self.bytes(answer)?;
        Ok(LogChunk {
            next: next.parse().unwrap_or(offset + bytes.len() as u64),
            bytes,
            complete,
        })
    }
}
