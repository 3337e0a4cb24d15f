//! One word of a shell's line, and one part of an address: how a text is written there so that it
//! means itself.
//!
//! Invariant: what a reader gets back is the text, whatever it holds.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but what RFC 3986 (2.3) calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as one word of a POSIX shell.
///
/// ```
/// assert_eq!(stepwell_model::shell_word("it's"), r"'it'\''s'");
/// ```
pub fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text as one part of an address: a slash in it does not separate parts.
///
/// ```
/// assert_eq!(stepwell_model::uri_part("a b/ü"), "a%20b%2F%C3%BC");
/// ```
pub fn uri_part(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The text that an address means. What is no code stands for itself, bytes that are no UTF-8
/// become U+FFFD.
pub fn text_of_uri(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_code_stands_for_itself() {
        for text in ["100%", "%zz", "%2"] {
            assert_eq!(text_of_uri(text), text);
        }
        assert_eq!(text_of_uri("%FF"), "\u{FFFD}");
    }

    proptest! {
        #[test]
        fn a_part_of_an_address_means_its_text(text in any::<String>()) {
            let part = uri_part(&text);
            prop_assert!(!part.contains(['/', '?', '#', '&', '=', ' ']), "{part}");
            prop_assert_eq!(text_of_uri(&part), text);
        }
    }
}
