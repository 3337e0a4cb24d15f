//! How large the terminal is.

use std::io::IsTerminal;
use std::os::fd::AsFd;

/// What is assumed where there is no terminal to ask.
const COLUMNS: usize = 100;
const ROWS: usize = 24;

/// Columns and rows of the terminal behind a stream.
pub(crate) fn size(stream: &(impl AsFd + IsTerminal)) -> (usize, usize) {
    let size = stream
        .is_terminal()
        .then(|| rustix::termios::tcgetwinsize(stream).ok())
        .flatten();
    match size {
        Some(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        }
        _ => (COLUMNS, ROWS),
    }
}
