//! The record of an attempt: the file `claim.json`, and what its holder adds to it.
//!
//! The first line is the claim; the specification, the start of the program and the outcome follow, each
//! a line of JSON. It is one file, as a new file is what costs most of a short step.
//!
//! What is added begins with the end of a line, and a line that is cut short, by a full disk or a power
//! loss, is no JSON: it counts as not written, and harms none that follows. Lines of sorts that are not
//! known here are left out. Each is written by opening the file, adding to it and closing it: so it is
//! seen on other machines of a network file system by whoever opens the file after that.
//!
//! Invariant: nothing here decides who may write; that is the claim's matter.

use std::io::{self, Write as _};

use camino::Utf8Path;
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use serde::{Deserialize, Serialize};
use stepwell_model::Outcome;

use super::folder::{Claim, Holder, Started};
use crate::spec::Spec;

/// How a line begins that holds a specification, which only few of those who read need.
const SPEC: &[u8] = br#"{"spec":"#;

/// What follows the claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// What its holder was given to do, where no file of the executor's says it.
    Spec(Box<Spec>),
    /// The program runs.
    Started(Started),
    /// It is over.
    Outcome(Outcome),
}

/// What a record says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// Who has claimed the attempt; `None` if that cannot be read.
    pub(crate) holder: Option<Holder>,
    pub(crate) started: Option<Started>,
    pub(crate) outcome: Option<Outcome>,
}

impl Record {
    /// What is in its text but the specification. Of two lines of a sort the later one counts.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut lines = lines(text);
        let claim = lines.next().unwrap_or_default();
        let claim: Option<Claim> = serde_json::from_slice(claim).ok();
        let mut record = Self {
            holder: claim.map(|claim| claim.holder),
            ..Self::default()
        };
        // A record that was deleted under its holder begins with what that has added since.
        for line in self::lines(text).filter(|line| !line.starts_with(SPEC)) {
            match serde_json::from_slice(line) {
                Ok(Line::Started(started)) => record.started = Some(started),
                Ok(Line::Outcome(outcome)) => record.outcome = Some(outcome),
                Ok(Line::Spec(_)) | Err(_) => {}
            }
        }
        record
    }
}

/// The specification in the text of a record.
pub(crate) fn spec(text: &[u8]) -> Option<Spec> {
    let mut lines = lines(text).filter(|line| line.starts_with(SPEC));
    lines.find_map(|line| match serde_json::from_slice(line) {
        Ok(Line::Spec(spec)) => Some(*spec),
        _ => None,
    })
}

/// The line that holds a specification.
pub(crate) fn line_of(spec: &Spec) -> Vec<u8> {
    let mut line = SPEC.to_vec();
    serde_json::to_writer(&mut line, spec).expect("all its keys are texts");
    line.push(b'}');
    line
}

/// The text of a record that begins, with the line of a specification.
pub(crate) fn begun(claim: &Claim, spec: Option<&[u8]>) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(claim)?;
    if let Some(line) = spec {
        text.push(b'\n');
        text.extend_from_slice(line);
    }
    Ok(text)
}

/// Adds a line to the record at a place.
pub(crate) fn add(place: &Utf8Path, line: &Line) -> io::Result<()> {
    let text = added(line)?;
    let mut options = fs::OpenOptions::new();
    let options = options.append(true).create(true).mode(0o600);
    options.open(place)?.write_all(&text)
}

fn added(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = vec![b'\n'];
    serde_json::to_writer(&mut text, line)?;
    Ok(text)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|&byte| byte == b'\n');
    lines.filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use stepwell_model::{Timestamp, Usage};

    use super::*;
    use crate::Process;

    fn claim() -> Claim {
        let holder = Holder::Cluster {
            cluster: "slurm".to_owned(),
            job: "4711".to_owned(),
        };
        Claim { holder }
    }

    fn started() -> Started {
        Started {
            child: Process {
                pid: 7,
                start_ticks: 9,
                boot: "b".to_owned(),
            },
            at: Timestamp::from_millis(1),
        }
    }

    fn of_three() -> (Vec<u8>, [usize; 3]) {
        let mut text = begun(&claim(), None).expect("JSON");
        let mut ends = [text.len(); 3];
        text.extend(added(&Line::Started(started())).expect("JSON"));
        ends[1] = text.len();
        let outcome = Outcome::Cancelled(Usage::default());
        text.extend(added(&Line::Outcome(outcome)).expect("JSON"));
        ends[2] = text.len();
        (text, ends)
    }

    #[test]
    fn wherever_a_record_is_cut_short_what_is_whole_of_it_counts_and_what_is_added_later() {
        let (whole, ends) = of_three();
        let later = Outcome::Succeeded(Usage::default());
        for length in 0..=whole.len() {
            let cut = &whole[..length];
            let record = Record::parse(cut);
            let found = [
                record.holder.is_some(),
                record.started.is_some(),
                record.outcome.is_some(),
            ];
            assert_eq!(found, ends.map(|end| length >= end), "{length}");
            let mut text = cut.to_vec();
            text.extend(added(&Line::Outcome(later.clone())).expect("JSON"));
            let record = Record::parse(&text);
            assert_eq!(record.outcome.as_ref(), Some(&later), "{length}");
            assert_eq!(record.started.is_some(), found[1], "{length}");
        }
    }

    #[test]
    fn zeros_of_a_power_loss_and_lines_of_newer_versions_are_left_out() {
        let (mut text, ends) = of_three();
        text[ends[0]..ends[1]].fill(0);
        assert_eq!(Record::parse(&text).started, None);
        let (text, _) = of_three();
        let text = [&text[..], b"\n{\"paused\":{\"at\":1}}\n"].concat();
        assert!(Record::parse(&text).outcome.is_some());
    }
}
