//! What a server says to a supervisor that stands by: the folder of the next attempt, and mostly what is
//! to be done in it.
//!
//! A message is a path, closed by a zero byte, as all servers have sent it; or in its place the path as JSON,
//! which no absolute path begins like, and the line for the attempt's [record], which is kept
//! as it came. It is sent in one piece, so one that is longer than a pipe holds is a path, and the rest is in
//! a file.
//!
//! Invariant: a message that is cut short was never sent.

use std::io::{self, BufRead};

use camino::Utf8Path;

use crate::record;
use crate::spec::Spec;

/// The next attempt of a supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The attempt's folder.
    pub(crate) folder: String,
    /// The line that says what is to be done; `None` where a file in the folder says it.
    pub(crate) line: Option<Vec<u8>>,
}

/// What a server sends to assign the attempt of a folder; without a specification it is in the folder.
#[must_use]
pub fn assignment(folder: &Utf8Path, spec: Option<&Spec>) -> Vec<u8> {
    let folder = folder.as_str();
    let mut message = match spec {
        Some(spec) => [text_of(folder), record::line_of(spec)].join(&b'\n'),
        None => folder.as_bytes().to_vec(),
    };
    message.push(0);
    message
}

fn text_of(folder: &str) -> Vec<u8> {
    serde_json::to_vec(folder).expect("a text is JSON")
}

impl Assignment {
    /// Of a folder that holds all the rest.
    pub(crate) const fn of(folder: String) -> Self {
        Self { folder, line: None }
    }

    /// The next one; `None` if there will be no other.
    pub(crate) fn read(mut from: impl BufRead) -> io::Result<Option<Self>> {
        let mut text = Vec::new();
        from.read_until(0, &mut text)?;
        let Some(text) = text.strip_suffix(&[0]) else {
            return Ok(None);
        };
        if text.starts_with(b"\"") {
            let mut parts = text.splitn(2, |&byte| byte == b'\n');
            let folder = serde_json::from_slice(parts.next().unwrap_or_default())?;
            let line = parts.next().map(<[u8]>::to_vec);
            return Ok(Some(Self { folder, line }));
        }
        let folder = String::from_utf8(text.to_vec()).map_err(io::Error::other)?;
        Ok(Some(Self::of(folder)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        let attempt = "0192f5c4-1111-7222-8333-444455556666#1";
        let attempt: stepwell_model::AttemptId = attempt.parse().expect("an id");
        let spec = serde_json::json!({
            "attempt": attempt, "argv": ["python", "a\0b\n.py"], "variables": {}, "work_dir": "/w",
            "files_dir": "/f", "log": "/l", "objects": "/o", "snapshot": null, "grace_ms": 1,
        });
        serde_json::from_value(spec).expect("a specification")
    }

    #[test]
    fn an_assignment_is_read_as_it_was_sent_and_one_that_is_cut_short_is_none() {
        let folder = Utf8Path::new("/data/a {}\n");
        let of = |spec: Option<Spec>| Assignment {
            folder: folder.to_string(),
            line: spec.as_ref().map(record::line_of),
        };
        for sent in [None, Some(spec())] {
            let message = assignment(folder, sent.as_ref());
            let twice = message.repeat(2);
            let mut input = &twice[..];
            for _ in 0..2 {
                let read = Assignment::read(&mut input).expect("a message");
                assert_eq!(read, Some(of(sent.clone())));
            }
            for length in 0..message.len() {
                let read = Assignment::read(&message[..length]).expect("no error");
                assert_eq!(read, None, "{length}");
            }
        }
    }
}
