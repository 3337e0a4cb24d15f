//! How wide text will be, on a page and on a terminal, without a font at hand.
//!
//! Page widths are an estimate for the system sans-serif fonts, a little on the wide side: a
//! text cut slightly early looks better than one that leaves its card.

use std::borrow::Cow;

/// The estimated width of `text` on a page, in pixels, at `size` pixels per em.
pub(crate) fn pixels(text: &str, size: f64) -> f64 {
    text.chars().map(ems).sum::<f64>() * size
}

/// `text` as far as it fits in `room` pixels, with an ellipsis where it was cut.
pub(crate) fn fit_pixels(text: &str, size: f64, room: f64) -> Cow<'_, str> {
    fit(text, room / size, ems)
}

/// How many terminal columns `text` takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(cells).sum::<f64>() as usize
}

/// `text` as far as it fits in `room` terminal columns, with an ellipsis where it was cut.
pub(crate) fn fit_columns(text: &str, room: usize) -> Cow<'_, str> {
    fit(text, room as f64, cells)
}

fn fit(text: &str, room: f64, advance: fn(char) -> f64) -> Cow<'_, str> {
    if text.chars().map(advance).sum::<f64>() <= room {
        return Cow::Borrowed(text);
    }
    let mut left = room - advance('…');
    let kept = text.char_indices().find(|&(_, letter)| {
        left -= advance(letter);
        left < 0.0
    });
    let end = kept.map_or(0, |(at, _)| at);
    Cow::Owned(format!("{}…", text[..end].trim_end()))
}

fn ems(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '|' | '!' | '.' | ',' | ':' | ';' | '\'' => 0.29,
        ' ' | 'I' | '(' | ')' | '[' | ']' | '{' | '}' | '/' | '\\' | '`' => 0.34,
        'f' | 'r' | 't' | '-' | '"' | '*' => 0.41,
        'm' | 'M' | 'w' | 'W' | '@' | '%' => 0.92,
        '…' => 0.85,
        'A'..='Z' | '&' | '+' | '=' | '<' | '>' | '~' | '#' => 0.7,
        _ => cells(letter) * if is_wide(letter) { 0.52 } else { 0.6 },
    }
}

fn cells(letter: char) -> f64 {
    if is_wide(letter) {
        2.0
    } else if takes_no_room(letter) {
        0.0
    } else {
        1.0
    }
}

/// Marks that join the letter before them.
fn takes_no_room(letter: char) -> bool {
    matches!(u32::from(letter),
        0x300..=0x36F | 0x1AB0..=0x1AFF | 0x200B..=0x200D | 0x20D0..=0x20FF
        | 0x2060 | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F | 0xFEFF)
}

/// East Asian letters and emoji, which fill two columns.
fn is_wide(letter: char) -> bool {
    matches!(u32::from(letter),
        0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF
        | 0xFE30..=0xFE4F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1F64F
        | 0x1F680..=0x1F6FF | 0x1F900..=0x1F9FF | 0x20000..=0x3FFFD)
}

/// `text` on one line, without the characters that steer a terminal or that XML forbids.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let steers = |letter: char| {
        letter.is_control()
            || matches!(u32::from(letter),
                0x200E..=0x200F | 0x2028..=0x202E | 0x2066..=0x2069 | 0xFFFE..=0xFFFF)
    };
    match text.contains(steers) {
        true => Cow::Owned(text.replace(steers, " ")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_does_not_fit_is_cut_before_the_limit() {
        assert_eq!(fit_columns("prepare", 7), "prepare");
        assert_eq!(fit_columns("prepare", 6), "prepa…");
        assert_eq!(fit_columns("train the model", 7), "train…");
        assert_eq!(fit_columns("データを準備", 6), "デー…");
        assert_eq!(fit_columns("e\u{301}te\u{301}", 3), "e\u{301}te\u{301}");
        assert!(pixels(&fit_pixels(&"w".repeat(90), 13.0, 100.0), 13.0) <= 100.0);
    }

    #[test]
    fn what_would_steer_the_terminal_is_taken_out() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}"), "a [31mb c ");
    }
}
