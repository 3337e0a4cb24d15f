//! The part of a log that says why a program failed.
//!
//! Bounded twice, in lines and in bytes, whatever the program printed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use camino::Utf8Path;

const TAIL_BYTES: u64 = 64 * 1024;
const TRACEBACK: &str = "Traceback (most recent call last)";
const TRACEBACK_LINES: usize = 40;
const OTHER_LINES: usize = 10;
const BYTES_MAX: usize = 8 * 1024;

/// The last traceback of the log, or its last lines; only what was written from `start` on. Files of
/// the step's working folder, which does not outlive it, have the names of the source directory.
pub(crate) fn of_log(log: &Utf8Path, start: u64, work_dir: &Utf8Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let end = file.seek(SeekFrom::End(0))?;
    let from = start.max(end.saturating_sub(TAIL_BYTES)).min(end);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(excerpt(&text.replace(&format!("{work_dir}/"), "")))
}

fn excerpt(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let traceback = lines.iter().rposition(|line| line.starts_with(TRACEBACK));
    let text = match traceback {
        Some(at) => shorten(&lines[at..]),
        None => lines[lines.len().saturating_sub(OTHER_LINES)..].join("\n"),
    };
    last_bytes(text)
}

/// Keeps the head of a long traceback and its end, which is nearest to the fault.
fn shorten(lines: &[&str]) -> String {
    if lines.len() <= TRACEBACK_LINES {
        return lines.join("\n");
    }
    let tail = &lines[lines.len() - (TRACEBACK_LINES - 2)..];
    format!("{}\n  ...\n{}", lines[0], tail.join("\n"))
}

fn last_bytes(mut text: String) -> String {
    if text.len() > BYTES_MAX {
        let mut cut = text.len() - BYTES_MAX;
        while !text.is_char_boundary(cut) {
            cut += 1;
        }
        text.replace_range(..cut, "...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_traceback_is_shown_without_what_was_printed_before() {
        let log = "start\nTraceback (most recent call last):\n  caught\nKeyError: 1\nmore\n\
                   Traceback (most recent call last):\n  File \"a.py\"\nValueError: no\n\n";
        assert_eq!(
            excerpt(log),
            "Traceback (most recent call last):\n  File \"a.py\"\nValueError: no"
        );
    }

    #[test]
    fn without_a_traceback_the_last_ten_lines_are_shown() {
        let log: String = (1..=30).map(|line| format!("line {line}\n")).collect();
        let text = excerpt(&log);
        assert_eq!(text.lines().count(), 10);
        assert!(text.starts_with("line 21\n") && text.ends_with("line 30"));
        assert_eq!(excerpt(""), "");
    }

    #[test]
    fn a_deep_or_wide_traceback_is_bounded_and_keeps_its_end() {
        let deep = format!(
            "{TRACEBACK}:\n{}RecursionError: deep\n",
            "  f()\n".repeat(500)
        );
        let text = excerpt(&deep);
        assert_eq!(text.lines().count(), TRACEBACK_LINES);
        assert!(text.starts_with(TRACEBACK) && text.ends_with("RecursionError: deep"));
        let wide = format!("{TRACEBACK}:\n{}end", "é".repeat(BYTES_MAX));
        let text = excerpt(&wide);
        assert!(text.len() <= BYTES_MAX + 3 && text.ends_with("éend"));
    }

    #[test]
    fn the_log_of_an_earlier_attempt_is_not_shown() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        fs_err::write(&log, "first\nsecond\n").expect("a log");
        let work = Utf8Path::new("/data/work");
        assert_eq!(of_log(&log, 6, work).expect("read"), "second");
        assert_eq!(of_log(&log, 600, work).expect("read"), "");
        fs_err::write(&log, "  File \"/data/work/net/a.py\", line 3\n").expect("a log");
        let shown = of_log(&log, 0, work).expect("read");
        assert_eq!(shown, "  File \"net/a.py\", line 3");
    }
}
