//! The server's event streams, read line by line: of a run, or of the children of one.
//!
//! A stream ends when the run is over, or when the connection breaks: the reader knows which, and
//! [`Events::last_seq`] is where a new stream goes on without a gap.

use std::io::{BufRead, BufReader};

use stepwell_api::RunEvent;
use uuid::Uuid;

use super::{Client, Result};

/// The changes of a run's and its steps' statuses, as they happen.
pub(crate) struct Events {
    lines: Box<dyn BufRead + Send>,
    last_seq: i64,
}

impl Client {
    /// The changes of a run after the journal's place `after`; 0 for all.
    pub(crate) fn events(&self, run: Uuid, after: i64) -> Result<Events> {
        self.stream(&format!("runs/{run}/events"), &[], after)
    }

    /// The ends of the runs that were submitted as children of a run, after the journal's place
    /// `after`; 0 for all. Each tells what the run has logged of a metric. The stream has no end of
    /// its own.
    pub(crate) fn child_ends(&self, parent: Uuid, metric: &str, after: i64) -> Result<Events> {
        let query = [
            ("parent", parent.to_string()),
            ("ends", "true".to_owned()),
            ("metric", metric.to_owned()),
        ];
        self.stream("events", &query, after)
    }

    fn stream(&self, path: &str, query: &[(&str, String)], after: i64) -> Result<Events> {
        let mut query = query.to_vec();
        if after > 0 {
            query.push(("after", after.to_string()));
        }
        let answer = self.get_raw(path, &query)?;
        Ok(Events {
            lines: Box::new(BufReader::new(answer.into_body().into_reader())),
            last_seq: after,
        })
    }
}

impl Events {
    /// The place of the last event read.
    pub(crate) const fn last_seq(&self) -> i64 {
        self.last_seq
    }
}

impl Iterator for Events {
    type Item = RunEvent;

    /// The next event; `None` when the stream ends, for whatever reason.
    fn next(&mut self) -> Option<RunEvent> {
        let mut data = String::new();
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let text = line.trim_end_matches(['\r', '\n']);
            if let Some(part) = text.strip_prefix("data:") {
                data.push_str(part.strip_prefix(' ').unwrap_or(part));
            } else if text.is_empty() && !data.is_empty() {
                // An event of another shape is one this version does not know: not ours to judge.
                if let Ok(event) = serde_json::from_str::<RunEvent>(&data) {
                    self.last_seq = event.seq;
                    return Some(event);
                }
                data.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_stream_gives_its_events_and_skips_the_rest() {
        let event = r#"{"seq":7,"at":"2026-01-01T00:00:00Z","run":"0192f5c4-1111-7222-8333-444455556666","root":"0192f5c4-1111-7222-8333-444455556666","step":0,"status":"Running","message":null}"#;
        let stream = format!(
            ": keep-alive\n\nevent: other\ndata: {{}}\n\nid: 7\r\ndata: {event}\r\n\r\ndata: cut"
        );
        let mut events = Events {
            lines: Box::new(Cursor::new(stream)),
            last_seq: 3,
        };
        assert_eq!(
            events.next().map(|event| event.status),
            Some(stepwell_api::RunStatus::Running)
        );
        assert!(events.next().is_none());
        assert_eq!(events.last_seq(), 7);
    }
}
