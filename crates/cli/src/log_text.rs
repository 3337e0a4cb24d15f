//! The text of a step's log on standard output: from where, how far, and in which form.
//!
//! Which steps are printed is the business of `stepwell logs`.

use std::io::{self, IsTerminal as _, Write as _};

use jiff::Timestamp;
use serde::Serialize;
use stepwell_api::{LogTime, Run};
use uuid::Uuid;

use crate::client::{LogChunk, Patience};
use crate::failure::Failure;
use crate::lines::Lines;
use crate::render::moment::local;
use crate::render::safe::{self, Cleaner};
use crate::render::style::{Paint, Style};
use crate::session::Session;

/// How much of a log is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Only so many of the last lines that there are.
    pub(crate) tail: Option<usize>,
    /// Only what was printed since then, in milliseconds since 1970.
    pub(crate) since_ms: Option<i64>,
    /// Whether each line has its time before it.
    pub(crate) timestamps: bool,
    /// Whether what is written later is printed too.
    pub(crate) patience: Patience,
}

/// How lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Raw,
    /// With the step's name in front.
    Prefixed,
    /// As objects.
    Json,
}

/// A line as an object.
#[derive(Debug, Serialize)]
struct JsonLine<'a> {
    run: Uuid,
    step: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    line: &'a str,
}

/// Prints one step's log: as far as it goes, or to the step's end.
pub(crate) fn copy(
    session: &Session,
    step: &Run,
    form: Form,
    extent: Extent,
) -> Result<(), Failure> {
    let times = match extent.timestamps || extent.since_ms.is_some() {
        true => session.call(|client| client.log_times(step.id))?.times,
        false => Vec::new(),
    };
    let mut offset = start(session, step, &times, extent.since_ms)?;
    let mut printer = Printer::new(step, form, extent.timestamps.then_some(times), offset);
    if let Some(count) = extent.tail {
        let ending = last_lines(session, step, offset, count)?;
        printer.position = ending.next - ending.bytes.len() as u64;
        printer.print(&ending.bytes, ending.complete)?;
        if ending.complete {
            return Ok(());
        }
        offset = ending.next;
    }
    loop {
        let chunk = session.call(|client| client.log(step.id, offset, extent.patience))?;
        let moved = chunk.next > offset;
        offset = chunk.next;
        printer.print(&chunk.bytes, chunk.complete)?;
        if chunk.complete || (extent.patience == Patience::Now && !moved) {
            return Ok(());
        }
    }
}

/// Where the first line begins that was printed since a time.
fn start(
    session: &Session,
    step: &Run,
    times: &[LogTime],
    since_ms: Option<i64>,
) -> Result<u64, Failure> {
    let Some(since_ms) = since_ms else {
        return Ok(0);
    };
    let before = times.iter().rev().find(|time| time.at_ms < since_ms);
    let Some(before) = before.filter(|time| time.length > 0) else {
        return Ok(0);
    };
    // A line that had begun by then was not yet printed whole.
    let mut offset = before.length - 1;
    loop {
        let chunk = session.call(|client| client.log(step.id, offset, Patience::Now))?;
        if let Some(end) = chunk.bytes.iter().position(|byte| *byte == b'\n') {
            return Ok(offset + end as u64 + 1);
        }
        if chunk.next <= offset {
            return Ok(offset);
        }
        offset = chunk.next;
    }
}

/// The last lines that a step has printed so far, of those from `offset` on.
fn last_lines(
    session: &Session,
    step: &Run,
    offset: u64,
    count: usize,
) -> Result<LogChunk, Failure> {
    let mut ending = LogChunk {
        bytes: Vec::new(),
        next: offset,
        complete: false,
    };
    loop {
        let chunk = session.call(|client| client.log(step.id, ending.next, Patience::Now))?;
        let moved = chunk.next > ending.next;
        ending.bytes.extend_from_slice(&chunk.bytes);
        ending.bytes.drain(..start_of_last(&ending.bytes, count));
        (ending.next, ending.complete) = (chunk.next, chunk.complete);
        if ending.complete || !moved {
            return Ok(ending);
        }
    }
}

/// Where the last `count` lines begin; one that is not ended counts.
fn start_of_last(bytes: &[u8], count: usize) -> usize {
    let without_end = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if count == 0 {
        return bytes.len();
    }
    let mut ends = without_end
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n');
    ends.nth(count - 1).map_or(0, |(place, _)| place + 1)
}

/// Prints one step's log, piece by piece.
struct Printer<'a> {
    step: &'a Run,
    form: Form,
    prefix: String,
    lines: Lines,
    /// When the log grew, if lines are printed with times.
    times: Option<Vec<LogTime>>,
    /// How much of the log was before what is printed next.
    position: u64,
    /// Of a terminal: a file or a program gets the log as it is.
    cleaner: Option<Cleaner>,
}

impl<'a> Printer<'a> {
    fn new(step: &'a Run, form: Form, times: Option<Vec<LogTime>>, position: u64) -> Self {
        let style = Style::of(&io::stdout());
        Self {
            step,
            form,
            prefix: style.paint(Paint::Faint, &format!("[{}] ", step.display_name)),
            lines: Lines::default(),
            times,
            position,
            cleaner: io::stdout().is_terminal().then(Cleaner::default),
        }
    }

    fn print(&mut self, bytes: &[u8], complete: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.form == Form::Raw && self.times.is_none() {
            match &mut self.cleaner {
                Some(cleaner) => out.write_all(&cleaner.clean(bytes))?,
                None => out.write_all(bytes)?,
            }
            return out.flush();
        }
        let mut written = Ok(());
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.position += piece.len() as u64;
            let at = self
                .times
                .as_ref()
                .map(|times| time_of(times, self.position));
            let (step, form, prefix) = (self.step, self.form, &self.prefix);
            self.lines.push(piece, |line| {
                if written.is_ok() {
                    written = write_line(&mut out, step, form, prefix, at, line);
                }
            });
        }
        if complete {
            let at = self
                .times
                .as_ref()
                .map(|times| time_of(times, self.position));
            let (step, form, prefix) = (self.step, self.form, &self.prefix);
            self.lines.finish(|line| {
                if written.is_ok() {
                    written = write_line(&mut out, step, form, prefix, at, line);
                }
            });
        }
        written.and_then(|()| out.flush())
    }
}

/// When what ends at this place of a log was printed; what was not there when the log was last looked
/// at comes now.
fn time_of(times: &[LogTime], position: u64) -> i64 {
    let after = times.partition_point(|time| time.length < position);
    match times.get(after) {
        Some(time) => time.at_ms,
        None => Timestamp::now().as_millisecond(),
    }
}

fn write_line(
    out: &mut impl io::Write,
    step: &Run,
    form: Form,
    prefix: &str,
    at_ms: Option<i64>,
    line: &str,
) -> io::Result<()> {
    let time = at_ms
        .map(|at| format!("{} ", local(at)))
        .unwrap_or_default();
    match form {
        Form::Raw => return writeln!(out, "{}", safe::clean(&format!("{time}{line}"))),
        Form::Prefixed => {
            return writeln!(out, "{}", safe::clean(&format!("{time}{prefix}{line}")));
        }
        Form::Json => {}
    }
    let at = at_ms.and_then(|at| Timestamp::from_millisecond(at).ok());
    let object = JsonLine {
        run: step.id,
        step: &step.display_name,
        at: at.map(|at| at.to_string()),
        line,
    };
    serde_json::to_writer(&mut *out, &object)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_begin_after_an_end_of_line() {
        let last = |text: &'static str, count| &text[start_of_last(text.as_bytes(), count)..];
        assert_eq!(last("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last("a\nb\nc", 1), "c");
        assert_eq!(last("a\nb\n", 9), "a\nb\n");
        assert_eq!(last("a\nb\n", 0), "");
        assert_eq!(last("", 3), "");
    }

    #[test]
    fn a_line_has_the_time_at_which_its_end_was_first_seen() {
        let times = [(10, 1), (20, 2)].map(|(length, at_ms)| LogTime { length, at_ms });
        assert_eq!(
            [1, 10, 11, 20].map(|place| time_of(&times, place)),
            [1, 1, 2, 2]
        );
        assert!(time_of(&times, 21) > 2, "it comes now");
    }
}
