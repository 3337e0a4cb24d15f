//! Writing to the standard streams, whose readers may go away at any time.
//!
//! Standard output is data, so an error there ends the command; standard error is a courtesy.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::render::safe;

/// Writes text for people. What others wrote in it has no power over the terminal.
pub(crate) fn print(text: &str) -> io::Result<()> {
    bytes(safe::clean(text).as_bytes())
}

/// Writes bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes one value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    bytes(text.as_bytes())
}

/// Tells the person something that is not data.
pub(crate) fn note(text: &str) {
    // When standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{}", safe::clean(text));
}
