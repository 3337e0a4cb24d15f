//! Text of others on a person's terminal: colours pass, nothing else that a terminal obeys.
//!
//! Names, tags, errors and logs may hold any bytes. A terminal would take some of them for orders:
//! to rename its window, to fill the clipboard, to clear the screen.
//!
//! Invariant: of the sequences that begin with an escape only those that set colours are left.

/// Leaves out what a terminal would obey. It goes on where the piece before ended.
#[derive(Debug, Default)]
pub(crate) struct Cleaner {
    state: State,
    /// An escape sequence that is not over yet.
    held: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    /// After `ESC [`: parameters until a letter.
    Control,
    /// A text for the terminal itself, up to BEL or `ESC \`.
    Order,
    /// An escape within such a text.
    OrderEscape,
    /// The byte that the control characters of Latin-1 begin with in UTF-8.
    Latin,
}

/// The longest sequence of colours that is kept.
const SEQUENCE_MAX: usize = 64;

impl Cleaner {
    /// What of a piece may be shown.
    pub(crate) fn clean(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(piece.len());
        for &byte in piece {
            self.take(byte, &mut shown);
        }
        shown
    }

    fn take(&mut self, byte: u8, shown: &mut Vec<u8>) {
        self.state = match (self.state, byte) {
            (State::Text, 0x1b) => State::Escape,
            (State::Text, 0xc2) => State::Latin,
            (State::Text, b'\n' | b'\t' | b'\r' | 0x20..=0x7e | 0x80..) => {
                shown.push(byte);
                State::Text
            }
            (State::Text, _) => State::Text,
            (State::Latin, 0x90 | 0x98 | 0x9d..=0x9f) => State::Order,
            (State::Latin, 0x9b) => self.hold(b"\x1b["),
            (State::Latin, 0x80..=0x9f) => State::Text,
            (State::Latin, _) => {
                shown.push(0xc2);
                self.state = State::Text;
                return self.take(byte, shown);
            }
            (State::Escape, b'[') => self.hold(b"\x1b["),
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => State::Order,
            (State::Escape, 0x1b) => State::Escape,
            // Two-byte orders may have bytes between: `ESC ( B`.
            (State::Escape, 0x20..=0x2f) => State::Escape,
            (State::Escape, _) => State::Text,
            (State::Control, b'm') if self.held.first() == Some(&0x1b) => {
                shown.extend_from_slice(&self.held);
                shown.push(b'm');
                State::Text
            }
            (State::Control, b'0'..=b'9' | b';' | b':') if self.held.len() < SEQUENCE_MAX => {
                self.held.push(byte);
                State::Control
            }
            (State::Control, 0x20..=0x3f) => {
                // No colour has such a parameter: what follows is left out as well.
                self.held.clear();
                self.held.resize(SEQUENCE_MAX, b' ');
                State::Control
            }
            (State::Control, 0x1b) => State::Escape,
            (State::Control, _) => State::Text,
            (State::Order, 0x07) => State::Text,
            (State::Order, 0x1b) => State::OrderEscape,
            // A text that is never closed ends with its line, so that it hides no more than that.
            (State::Order, b'\n') => {
                shown.push(byte);
                State::Text
            }
            (State::Order, _) => State::Order,
            (State::OrderEscape, b'\\') => State::Text,
            (State::OrderEscape, _) => State::Order,
        };
    }

    fn hold(&mut self, begin: &[u8]) -> State {
        self.held.clear();
        self.held.extend_from_slice(begin);
        State::Control
    }
}

/// A text without what a terminal would obey.
pub(crate) fn clean(text: &str) -> String {
    let shown = Cleaner::default().clean(text.as_bytes());
    String::from_utf8_lossy(&shown).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_letters_of_all_languages_pass() {
        for text in [
            "\u{1b}[1;31mred\u{1b}[0m\n",
            "Grüße ½ ° 日本 🎉\t|\r\n",
            "50 %\u{a0}voll",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn orders_to_the_terminal_are_left_out() {
        let orders = [
            "\u{1b}]0;title\u{7}",
            "\u{1b}]52;c;aGk=\u{1b}\\",
            "\u{1b}[2J",
            "\u{1b}[?1049h",
            "\u{1b}[>4;2m",
            "\u{9b}2J",
            "\u{9d}0;title\u{7}",
            "\u{1b}P+q\u{1b}\\",
            "\u{1b}c",
            "\u{1b}(B",
            "\u{8}\u{7}\u{0}\u{7f}",
        ];
        for order in orders {
            assert_eq!(clean(&format!("a{order}b")), "ab", "{order:?}");
        }
        assert_eq!(clean("a\u{1b}]0;never closed\nb"), "a\nb");
    }

    #[test]
    fn an_order_in_two_pieces_is_left_out_too() {
        let text = "a\u{1b}]0;x\u{7}b\u{1b}[31mc\u{9b}2Jd\u{e9}".as_bytes();
        for cut in 0..text.len() {
            let mut cleaner = Cleaner::default();
            let mut shown = cleaner.clean(&text[..cut]);
            shown.extend(cleaner.clean(&text[cut..]));
            assert_eq!(shown, "ab\u{1b}[31mcd\u{e9}".as_bytes(), "cut at {cut}");
        }
    }
}
