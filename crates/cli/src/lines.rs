//! Bytes that come in pieces, as whole lines: so that lines of several writers never mix.

/// The longest line that is waited for; a longer one is passed on in pieces.
const LINE_MAX: usize = 64 * 1024;

/// The unfinished line of one writer.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes the next piece and passes on every line it completes, without its end.
    pub(crate) fn push(&mut self, piece: &[u8], mut line: impl FnMut(&str)) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(part);
            if part.ends_with(b"\n") || self.partial.len() >= LINE_MAX {
                self.pass_on(&mut line);
            }
        }
    }

    /// Passes on what is left when the writer has ended.
    pub(crate) fn finish(&mut self, mut line: impl FnMut(&str)) {
        if !self.partial.is_empty() {
            self.pass_on(&mut line);
        }
    }

    fn pass_on(&mut self, line: &mut impl FnMut(&str)) {
        let text = String::from_utf8_lossy(&self.partial);
        line(text.trim_end_matches(['\n', '\r']));
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_whole_lines() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for piece in [&b"one\ntw"[..], b"o\r\n", b"gr\xc3", b"\xbcn"] {
            lines.push(piece, |line| seen.push(line.to_owned()));
        }
        assert_eq!(seen, ["one", "two"]);
        lines.finish(|line| seen.push(line.to_owned()));
        lines.finish(|_| panic!("nothing is left"));
        assert_eq!(seen, ["one", "two", "grün"]);
    }

    #[test]
    fn a_line_without_end_is_not_kept_for_ever() {
        let mut lines = Lines::default();
        let mut pieces = 0;
        lines.push(&vec![b'x'; LINE_MAX + 1], |_| pieces += 1);
        assert_eq!(pieces, 1);
    }
}
